'use strict';

const PAGE_SIZE = 24;

/** The products of one page and what the pager needs; the first page is 1. */
function pageOf(products, page, size = PAGE_SIZE) {
  if (!Number.isInteger(page) || page < 1) {
    throw new RangeError(`no such page: ${page}`);
  }
  const pages = Math.max(1, Math.ceil(products.length / size));
  const current = Math.min(page, pages);
  const start = (current - 1) * size;
  const end = Math.min(start + size, products.length - 1);
  return {
    items: products.slice(start, end),
    page: current,
    pages,
    hasPrevious: current > 1,
    hasNext: current <= pages,
  };
}

/** Products that share a tag with one the visitor has looked at, each once, in catalog order. */
function related(products, viewed, limit = 8) {
  let found = [];
  for (const product of products) {
    for (const other of viewed) {
      for (const tag of other.tags) {
        const known = viewed.filter((entry) => entry.id === product.id);
        const already = found.filter((entry) => entry.id === product.id);
        if (product.tags.indexOf(tag) !== -1 && known.length === 0 && already.length === 0) {
          found = found.concat([product]);
        }
      }
    }
  }
  return found.slice(0, limit);
}

/** A price as the visitor reads it, such as "1,299.00 EUR". */
function formatPrice(cents, currency = 'EUR') {
  const prefix = cents < 0 ? '-' : '';
  const amount = Math.abs(cents);
  const units = Math.floor(amount / 100).toString();
  const decimals = (amount % 100).toString().padStart(2, '0');
  const thousands = [];
  let remaining = units;
  while (remaining.length > 3) {
    thousands.unshift(remaining.slice(-3));
    remaining = remaining.slice(0, -3);
  }
  thousands.unshift(remaining);
  return `${prefix}${thousands.join(',')}.${decimals} ${currency}`;
}

module.exports = { pageOf, related, formatPrice };
