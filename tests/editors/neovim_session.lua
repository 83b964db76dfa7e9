-- What a person does in Neovim, without one: waits for the finding, hovers, takes the change back
-- from the menu of actions, saves. Writes what was seen to $THEMIS_SEEN as JSON; $THEMIS_CHOICE is
-- how the chosen action's title begins.
local seen = { titles = {} }
local patience = 60000

local function finish()
  vim.fn.writefile({ vim.fn.json_encode(seen) }, vim.env.THEMIS_SEEN)
  vim.cmd('qall!')
end

local function wait(what, is_so)
  if not vim.wait(patience, is_so, 20) then
    seen.failed = 'nothing came of: ' .. what
    finish()
  end
end

wait('diagnostics', function() return #vim.diagnostic.get(0) > 0 end)
seen.diagnostics = vim.diagnostic.get(0)

vim.api.nvim_win_set_cursor(0, { seen.diagnostics[1].lnum + 1, 8 })
vim.lsp.buf.hover()
local float
wait('hover', function()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then float = window end
  end
  return float ~= nil
end)
seen.hover = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(float), 0, -1, false)
vim.api.nvim_win_close(float, true)

local before = vim.api.nvim_buf_get_changedtick(0)
vim.ui.select = function(items, options, on_choice)
  for index, item in ipairs(items) do
    local title = options.format_item(item)
    table.insert(seen.titles, title)
    if not seen.chosen and vim.startswith(title, vim.env.THEMIS_CHOICE) then seen.chosen = index end
  end
  on_choice(items[seen.chosen], seen.chosen)
end
vim.lsp.buf.code_action()
wait('code action', function() return vim.api.nvim_buf_get_changedtick(0) ~= before end)
vim.cmd('write')
seen.notified = vim.lsp.get_active_clients()[1].name

finish()
