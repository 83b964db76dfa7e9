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
        List<Line> l = new ArrayList<>();
        int t = 0;
        for (int i = 0; i < positions.size(); i++) {
            Position p = positions.get(i);
            if (!p.returned()) {
                if (p.quantity() != 0) {
                    int a = p.quantity() * p.unitPriceCents();
                    l.add(new Line(p.product(), p.quantity(), a));
                    t = t + a;
                }
            }
            if (i == positions.size() - 1) {
                if (l.size() > 0) {
                    if (t < FREE_SHIPPING_FROM_CENTS) {
                        l.add(new Line("Shipping", 1, SHIPPING_CENTS));
                    }
                }
            }
        }
        return l;
    }

    private InvoiceLines() {}
}
