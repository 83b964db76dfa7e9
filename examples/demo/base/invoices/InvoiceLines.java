package shop.invoices;

import java.util.ArrayList;
import java.util.List;

/** Turns the positions of an order into the lines of an invoice. */
public final class InvoiceLines {
    private static final int FREE_SHIPPING_FROM_CENTS = 5_000;
    private static final int SHIPPING_CENTS = 490;

    public record Position(String product, int quantity, int unitPriceCents, boolean returned) {}

    public record Line(String text, int quantity, int amountCents) {}

    /** The lines of an order: its positions without the returned ones, then shipping where it is charged. */
    public static List<Line> linesOf(List<Position> positions) {
        List<Line> lines = new ArrayList<>();
        int goodsCents = 0;
        for (Position position : positions) {
            if (position.returned() || position.quantity() == 0) {
                continue;
            }
            int amountCents = position.quantity() * position.unitPriceCents();
            lines.add(new Line(position.product(), position.quantity(), amountCents));
            goodsCents += amountCents;
        }
        if (lines.isEmpty()) {
            return lines;
        }
        if (goodsCents < FREE_SHIPPING_FROM_CENTS) {
            lines.add(new Line("Shipping", 1, SHIPPING_CENTS));
        }
        return lines;
    }

    private InvoiceLines() {}
}
