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
      r = 0
      if customer
        if customer.active
          if customer.orders_count > 50
            r = 20
          else
            if customer.orders_count > 20
              r = 10
            else
              if customer.orders_count > 5
                r = 5
              end
            end
          end
          if order.total_cents > LARGE_ORDER_CENTS
            if r < LARGE_ORDER_RATE
              r = LARGE_ORDER_RATE
            end
          end
          s = SEASONS[today.month]
          if s != nil
            if s > r
              r = s
            end
          end
          if customer.employee == true
            r = EMPLOYEE_RATE
          end
        end
      end
      return r
    end

    private

    attr_reader :today
  end
end
