package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.List;

/** Python's {@code pprint.pformat}: a value's repr, broken into lines of at most 80 characters. */
final class PrettyPrint {
    private static final int WIDTH = 80;

    private final Render r;

    private PrettyPrint(Render r) {
        this.r = r;
    }

    static String format(Render r, Object v) {
        StringBuilder b = new StringBuilder();
        new PrettyPrint(r).write(v, b, 0, 0);
        return r.made(b.toString());
    }

    private String flat(Object v) {
        r.enter();
        try {
            return flatten(v);
        } finally {
            r.leave();
        }
    }

    private String flatten(Object v) {
        if (v instanceof PyDict d) {
            StringBuilder b = new StringBuilder("{");
            String sep = "";
            for (PyDict.Entry e : sorted(d)) {
                b.append(sep).append(flat(e.key())).append(": ").append(flat(e.value()));
                sep = ", ";
            }
            return r.made(b.append('}').toString());
        }
        if (v instanceof List<?> l) {
            boolean tuple = v instanceof PyTuple;
            StringBuilder b = new StringBuilder(tuple ? "(" : "[");
            String sep = "";
            for (Object item : l) {
                b.append(sep).append(flat(item));
                sep = ", ";
            }
            return r.made(b.append(tuple ? l.size() == 1 ? ",)" : ")" : "]").toString());
        }
        return Py.repr(r, v);
    }

    private List<PyDict.Entry> sorted(PyDict d) {
        List<PyDict.Entry> entries = new ArrayList<>(d.entries());
        boolean text = entries.stream().allMatch(e -> Py.text(e.key()) != null);
        if (text) {
            entries.sort((a, b) -> Text.compare(Py.text(a.key()), Py.text(b.key())));
        }
        return entries;
    }

    private void write(Object v, StringBuilder b, int indent, int allowance) {
        r.enter();
        try {
            String flat = flat(v);
            if (Text.length(flat) <= WIDTH - indent - allowance || !(v instanceof List || v instanceof PyDict) || Py.length(r, v) == 0) {
                b.append(flat);
            } else if (v instanceof PyDict d) {
                b.append('{');
                List<PyDict.Entry> entries = sorted(d);
                for (int i = 0; i < entries.size(); i++) {
                    boolean last = i == entries.size() - 1;
                    String key = Py.repr(r, entries.get(i).key());
                    b.append(i > 0 ? ",\n" + " ".repeat(indent + 1) : "").append(key).append(": ");
                    write(entries.get(i).value(), b, indent + Text.length(key) + 3, last ? allowance + 1 : 1);
                }
                b.append('}');
            } else {
                List<?> items = (List<?>) v;
                boolean tuple = v instanceof PyTuple;
                b.append(tuple ? '(' : '[');
                for (int i = 0; i < items.size(); i++) {
                    boolean last = i == items.size() - 1;
                    b.append(i > 0 ? ",\n" + " ".repeat(indent + 1) : "");
                    write(items.get(i), b, indent + 1, last ? allowance + 1 : 1);
                }
                b.append(tuple ? items.size() == 1 ? ",)" : ")" : "]");
            }
        } finally {
            r.leave();
        }
    }
}
