# frozen_string_literal: true

module Pricing
  # How much a customer saves on an order.
  class Discounts
    SEASONS = { 1 => 5, 7 => 10, 11 => 15 }.freeze
    LARGE_ORDER_CENTS = 20_000
    LARGE_ORDER_RATE = 15
    EMPLOYEE_RATE = 30

    def initialize(today)
      @today = today
    end

    # The discount in per cent: the largest one that applies, never more than 30.
    def rate(customer, order)
      return 0 unless customer&.active
      return EMPLOYEE_RATE if customer.employee

      [
        loyalty_rate(customer.orders_count),
        order.total_cents > LARGE_ORDER_CENTS ? LARGE_ORDER_RATE : 0,
        SEASONS.fetch(today.month, 0)
      ].max
    end

    private

    attr_reader :today

    def loyalty_rate(orders_count)
      case orders_count
      when (51..) then 20
      when (21..) then 10
      when (6..) then 5
      else 0
      end
    end
  end
end
