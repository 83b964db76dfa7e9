/** The Changes view: files, their changed functions, the axes of each; those that ask most to be looked at first. */

import * as vscode from 'vscode';

import { type Mark, type Row, axisRow, bySureness, counted, fileRow, functionRow } from './labels';
import type { LiveChanges } from './liveChanges';
import { type ChangedFile, type ChangedFunction, countFindings } from './model';
import { type Scored, placeOf } from './report';
import type { Place } from './reportPage';

export type Node =
  | { readonly kind: 'file'; readonly file: ChangedFile }
  | { readonly kind: 'function'; readonly file: ChangedFile; readonly changed: ChangedFunction }
  | { readonly kind: 'axis'; readonly file: ChangedFile; readonly changed: ChangedFunction; readonly scored: Scored };

export const VIEW = 'themis.changes';
export const OPEN = 'themis.changes.open';

const ICONS: Readonly<Record<Mark, vscode.ThemeIcon>> = {
  worse: new vscode.ThemeIcon('arrow-down', new vscode.ThemeColor('charts.red')),
  better: new vscode.ThemeIcon('arrow-up', new vscode.ThemeColor('charts.green')),
  unsure: new vscode.ThemeIcon('dash', new vscode.ThemeColor('descriptionForeground')),
  none: new vscode.ThemeIcon('circle-outline', new vscode.ThemeColor('descriptionForeground')),
};

export class ChangesTree implements vscode.TreeDataProvider<Node> {
  readonly onDidChangeTreeData: vscode.Event<void>;

  constructor(private readonly changes: LiveChanges) {
    this.onDidChangeTreeData = changes.onDidChange;
  }

  getChildren(node?: Node): Node[] {
    switch (node?.kind) {
      case undefined:
        return this.changes.files.map((file) => ({ kind: 'file', file }));
      case 'file':
        return node.file.functions.map((changed) => ({ kind: 'function', file: node.file, changed }));
      case 'function':
        return [...node.changed.scores].sort(bySureness).map((scored) => ({ ...node, kind: 'axis', scored }));
      case 'axis':
        return [];
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const row = rowOf(node);
    const item = new vscode.TreeItem(row.label, expansionOf(node));
    item.id = identityOf(node);
    item.description = row.description;
    item.tooltip = row.tooltip;
    item.contextValue = row.context;
    item.accessibilityInformation = { label: `${row.label}, ${row.description}` };
    if (node.kind === 'file') {
      item.resourceUri = vscode.Uri.parse(node.file.uri);
      item.iconPath = vscode.ThemeIcon.File;
    } else {
      item.iconPath = ICONS[row.mark];
      item.command = { command: OPEN, title: 'Open', arguments: [node] };
    }
    return item;
  }
}

/** Where a node leads. */
export function nodePlace(node: Node): Place {
  return { uri: node.file.uri, lines: node.kind === 'file' ? null : placeOf(node.changed.review) };
}

/** The view: its badge, and what it says while there is nothing to show. */
export function createChangesView(changes: LiveChanges): vscode.TreeView<Node> {
  const tree = new ChangesTree(changes);
  const view = vscode.window.createTreeView<Node>(VIEW, { treeDataProvider: tree, showCollapseAll: true });
  const update = (): void => {
    const findings = countFindings(changes.files);
    view.badge = findings > 0 ? { value: findings, tooltip: counted(findings, 'finding') } : undefined;
    view.message = changes.files.length > 0 || changes.problems.length === 0 ? '' : changes.problems.join('\n');
    void vscode.commands.executeCommand('setContext', 'themis.isReviewed', changes.isReviewed);
  };
  update();
  const listener = changes.onDidChange(update);
  const looking = view.onDidChangeVisibility(({ visible }) => {
    if (visible) changes.lookedAt();
  });
  const dispose = view.dispose.bind(view);
  view.dispose = () => {
    vscode.Disposable.from(listener, looking).dispose();
    dispose();
  };
  return view;
}

export function rowOf(node: Node): Row {
  switch (node.kind) {
    case 'file':
      return fileRow(node.file, folderName(node.file.folder));
    case 'function':
      return functionRow(node.changed);
    case 'axis':
      return axisRow(node.scored);
  }
}

function folderName(folder: string | undefined): string | undefined {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length < 2 || folder === undefined) return undefined;
  return folders.find((each) => each.uri.toString() === vscode.Uri.parse(folder).toString())?.name;
}

function expansionOf(node: Node): vscode.TreeItemCollapsibleState {
  switch (node.kind) {
    case 'file':
      return vscode.TreeItemCollapsibleState.Expanded;
    case 'function':
      return node.changed.scores.length > 0
        ? vscode.TreeItemCollapsibleState.Collapsed
        : vscode.TreeItemCollapsibleState.None;
    case 'axis':
      return vscode.TreeItemCollapsibleState.None;
  }
}

/** Stays the same while a function keeps its name, so that what was unfolded stays so. */
function identityOf(node: Node): string {
  const parts = [node.file.uri];
  if (node.kind !== 'file') {
    const alike = node.file.functions.filter((each) => each.review.name === node.changed.review.name);
    parts.push(node.changed.review.name, String(alike.indexOf(node.changed)));
  }
  if (node.kind === 'axis') parts.push(node.scored.axes.join('+'));
  return parts.join('\n');
}
