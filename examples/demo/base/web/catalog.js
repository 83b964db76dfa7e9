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
  const end = Math.min(start + size, products.length);
  return {
    items: products.slice(start, end),
    page: current,
    pages,
    hasPrevious: current > 1,
    hasNext: current < pages,
  };
}

/** Products that share a tag with one the visitor has looked at, each once, in catalog order. */
function related(products, viewed, limit = 8) {
  const seen = new Set(viewed.map((product) => product.id));
  const tags = new Set();
  for (const product of viewed) {
    for (const tag of product.tags) {
      tags.add(tag);
    }
  }
  const found = [];
  for (const product of products) {
    if (found.length === limit) {
      break;
    }
    if (!seen.has(product.id) && product.tags.some((tag) => tags.has(tag))) {
      seen.add(product.id);
      found.push(product);
    }
  }
  return found;
}

/** A price as the visitor reads it, such as "1,299.00 EUR". */
function formatPrice(cents, currency = 'EUR') {
  const sign = cents < 0 ? '-' : '';
  const absolute = Math.abs(cents);
  const whole = Math.floor(absolute / 100).toString();
  const fraction = (absolute % 100).toString().padStart(2, '0');
  const groups = [];
  let rest = whole;
  while (rest.length > 3) {
    groups.unshift(rest.slice(-3));
    rest = rest.slice(0, -3);
  }
  groups.unshift(rest);
  return `${sign}${groups.join(',')}.${fraction} ${currency}`;
}

module.exports = { pageOf, related, formatPrice };
