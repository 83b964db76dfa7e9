"""One small file in each language, written for the tests, and the pieces a reader would find in it.

A piece is (kind, name, first line, last line); the kinds are short for FunctionKind's.
"""

from __future__ import annotations

Piece = tuple[str, str, int, int]

SAMPLES: dict[str, str] = {
    "C": """\
#include <stdio.h>

/* A cart. */
typedef struct cart {
    int count;
} Cart;

// Adds one item.
static int *add(Cart *cart, int price)
{
    int total = price;
    for (int i = 0; i < cart->count; i++) {
        total += i;
    }
    return &cart->count;
}

int (*chosen(void))(int) { return 0; }

enum colour { RED, GREEN };
""",
    "C++": """\
namespace shop {
/// A cart of things.
template <typename T>
class Cart : public Base {
 public:
  Cart() : count_(1) {}
  ~Cart();
  bool operator==(const Cart& other) const { return count_ == other.count_; }
  std::function<int(int)> twice = [](int a) { return 2 * a; };

 private:
  int count_;
};

// The sum.
template <typename T>
int Cart<T>::total(int start) const {
  int sum = start;
  return sum;
}

Cart::~Cart() {}
auto half = [](int a) {
  return a / 2;
};
TEST(CartTest, Empty) {
  EXPECT_EQ(1, 1);
}
}  // namespace shop
""",
    "C#": """\
using System;

namespace Shop
{
    /// <summary>A cart.</summary>
    [Serializable]
    public class Cart
    {
        private int count;
        public int Count { get { return count; } }
        public string Name { get; set; }

        [Obsolete]
        public Cart(int count)
        {
            this.count = count;
        }

        // The sum.
        public int Total(int start)
        {
            int Twice(int x) => 2 * x;
            var total = Twice(start) + count;
            return total;
        }

        Func<int, int> half = x => x / 2;
        public abstract void Pay();
    }
}
""",
    "Go": """\
package shop

import "fmt"

// Cart holds things.
type Cart struct {
	count int
}

// Total adds up.
func (c *Cart) Total(start int) int {
	total := start
	for i := 0; i < c.count; i++ {
		total += i
	}
	return total
}

var half = func(a int) int {
	return a / 2
}

func main() {
	show := func() { fmt.Println(half(2)) }
	show()
}
""",
    "Java": """\
package shop;

import java.util.List;
import java.util.Map;

/** A cart. */
@Deprecated
public class Cart extends Base {
    private int count;

    /** The sum. */
    @Override
    public int total(int start) {
        int sum = start;
        for (int i = 0; i < count; i++) {
            sum += i;
        }
        return sum;
    }

    Cart() {}

    Function<Integer, Integer> half = x -> x / 2;

    enum Colour { RED, GREEN }

    abstract void pay();
}
""",
    "JavaScript": """\
import fs from 'fs';
import path from 'path';

// A cart.
export class Cart extends Base {
  static limit = 10;
  #twice = (x) => 2 * x;

  /** The sum. */
  total(start) {
    const sum = start + this.count;
    function inner() {
      return sum;
    }
    return inner();
  }
}

export const half = (x) => {
  return x / 2;
};

exports.read = function (name) {
  return fs.read(name);
};

const api = {
  get() { return 1; },
  post: function () { return 2; },
};

(function () {
  function hidden() { return 3; }
})();
""",
    "TypeScript": """\
import { Item } from './item';
import { Price } from './price';

@Component({ name: 'cart' })
export class Cart {
  private count: number = 0;

  // The sum.
  @Cached()
  total(start: number): number {
    const sum: number = start + this.count;
    return sum;
  }

  half = (x: number) => x / 2;
}

interface Payable {
  pay(): void;
}

export function add<T>(items: T[], item: T): T[] {
  return [...items, item];
}

namespace Shop {
  export function open() { return true; }
}
""",
    "TSX": """\
import React from 'react';

export const Cart = React.memo(({ items }: Props) => {
  const count = items.length;
  return (
    <ul>
      {/* all of them */}
      <li title="items">{count + 1}</li>
    </ul>
  );
});

function App() {
  return <Cart items={[]} />;
}
""",
    "Python": '''\
"""A shop."""
import os
import re

LIMIT = 10


@register
class Cart(Base):
    """A cart."""

    count = 0

    # The sum.
    @cached
    def total(self, start):
        """Add up."""
        total = start
        for price in self.prices:
            total += price
        return total


half = lambda x: x / 2


async def add(cart, item):
    def inner():
        return item

    return inner()
    # nothing more


if LIMIT:
    os.remove("cart")
''',
    "Ruby": """\
require 'json'

module Shop
  # A cart.
  class Cart < Base
    attr_reader :count

    # The sum.
    def total(start)
      sum = start
      @prices.each do |price|
        sum += price
      end
      sum
    end

    def self.open
      new
    end

    class << self
      def close; end
    end

    define_method(:pay) { |money| money }
    HALF = ->(x) { x / 2 }
  end
end
""",
    "Rust": """\
use std::fmt;

/// A cart.
#[derive(Debug)]
pub struct Cart {
    count: u32,
}

impl fmt::Display for Cart {
    /// The sum.
    #[inline]
    fn total(&self) -> u32 {
        self.count + 1
    }
}

mod tests {
    fn half(x: u32) -> u32 { x / 2 }
}
""",
    "PHP": """\
<?php
namespace Shop;

/** A cart. */
class Cart extends Base {
    private $count;

    // The sum.
    public function total($start) {
        return $start + $this->count;
    }
}

function half($x) {
    return $x / 2;
}

$twice = function ($x) {
    return 2 * $x;
};
""",
    "Kotlin": """\
package shop

/** A cart. */
class Cart(val count: Int) : Base() {
    val twice: Int
        get() { return 2 * count }

    // The sum.
    @Cached
    fun total(start: Int): Int {
        return start + count
    }

    companion object {
        fun open() = Cart(0)
    }
}

fun String.shout(times: Int) = this.repeat(times)

val half = { x: Int -> x / 2 }
""",
}

ENDLESS = (
    "l t{val t\nf{x/}\n#\net() { return 2 * count }\nfun String.shout(times: Int) ="
    " this.repeat(times)\n\n        fun open() = Cart(0)\n        get() { return 2 * count }\n\n"
    "        get() { return 2 * count }\npackage shop\n        return start + count\n    }\n"
    "package shop\n        get() { return 2 * count }\n}\n}\n\n    companion object {\n\n    }"
)
"""A text that the parser of tree-sitter-kotlin 1.1.0 never finishes."""

PIECES: dict[str, list[Piece]] = {
    "C": [
        ("module", "<module>", 1, 1),
        ("class body", "Cart", 3, 6),
        ("function", "add", 8, 16),
        ("function", "chosen", 18, 18),
        ("class body", "colour", 20, 20),
    ],
    "C++": [
        ("module", "<module>", 1, 29),
        ("class body", "Cart", 2, 13),
        ("method", "Cart.Cart", 6, 6),
        ("method", "Cart.operator==", 8, 8),
        ("lambda", "Cart.twice", 9, 9),
        ("method", "Cart.total", 15, 20),
        ("method", "Cart.~Cart", 22, 22),
        ("lambda", "half", 23, 25),
        ("function", "TEST(CartTest, Empty)", 26, 28),
    ],
    "C#": [
        ("module", "<module>", 1, 30),
        ("class body", "Cart", 5, 29),
        ("method", "Cart.Count", 10, 10),
        ("method", "Cart.Cart", 13, 17),
        ("method", "Cart.Total", 19, 25),
        ("lambda", "Cart.half", 27, 27),
    ],
    "Go": [
        ("module", "<module>", 1, 3),
        ("class body", "Cart", 5, 8),
        ("method", "Cart.Total", 10, 17),
        ("lambda", "half", 19, 21),
        ("function", "main", 23, 26),
    ],
    "Java": [
        ("module", "<module>", 1, 4),
        ("class body", "Cart", 6, 28),
        ("method", "Cart.total", 11, 19),
        ("method", "Cart.Cart", 21, 21),
        ("lambda", "Cart.half", 23, 23),
        ("class body", "Cart.Colour", 25, 25),
    ],
    "JavaScript": [
        ("module", "<module>", 1, 34),
        ("class body", "Cart", 4, 17),
        ("lambda", "Cart.#twice", 7, 7),
        ("method", "Cart.total", 9, 16),
        ("lambda", "half", 19, 21),
        ("lambda", "exports.read", 23, 25),
        ("method", "api.get", 28, 28),
        ("lambda", "api.post", 29, 29),
        ("function", "hidden", 33, 33),
    ],
    "TypeScript": [
        ("module", "<module>", 1, 2),
        ("class body", "Cart", 4, 16),
        ("method", "Cart.total", 8, 13),
        ("lambda", "Cart.half", 15, 15),
        ("class body", "Payable", 18, 20),
        ("function", "add", 22, 24),
        ("class body", "Shop", 26, 28),
        ("function", "Shop.open", 27, 27),
    ],
    "TSX": [
        ("module", "<module>", 1, 1),
        ("lambda", "Cart", 3, 11),
        ("function", "App", 13, 15),
    ],
    "Python": [
        ("module", "<module>", 1, 36),
        ("class body", "Cart", 8, 12),
        ("method", "Cart.total", 14, 21),
        ("lambda", "half", 24, 24),
        ("function", "add", 27, 32),
    ],
    "Ruby": [
        ("module", "<module>", 1, 1),
        ("class body", "Shop", 3, 28),
        ("class body", "Shop.Cart", 4, 27),
        ("method", "Shop.Cart.total", 8, 15),
        ("method", "Shop.Cart.self.open", 17, 19),
        ("method", "Shop.Cart.self.close", 22, 22),
        ("method", "Shop.Cart.pay", 25, 25),
        ("lambda", "Shop.Cart.HALF", 26, 26),
    ],
    "Rust": [
        ("module", "<module>", 1, 1),
        ("class body", "Cart", 3, 7),
        ("class body", "Cart", 9, 15),
        ("method", "Cart.total", 10, 14),
        ("class body", "tests", 17, 19),
        ("function", "tests.half", 18, 18),
    ],
    "PHP": [
        ("module", "<module>", 1, 2),
        ("class body", "Cart", 4, 12),
        ("method", "Cart.total", 8, 11),
        ("function", "half", 14, 16),
        ("lambda", "$twice", 18, 20),
    ],
    "Kotlin": [
        ("module", "<module>", 1, 1),
        ("class body", "Cart", 3, 17),
        ("method", "Cart.twice", 5, 6),
        ("method", "Cart.total", 8, 12),
        ("class body", "Cart.Companion", 14, 16),
        ("method", "Cart.Companion.open", 15, 15),
        ("method", "String.shout", 19, 19),
        ("lambda", "half", 21, 21),
    ],
}
