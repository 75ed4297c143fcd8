package dev.graft.trainer.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/** Python's {@code json.dumps}, and its repr of strings. */
final class Json {
    private final Render r;
    private final boolean ascii;
    private final String indent;
    private final String itemSeparator;
    private final String keySeparator;
    private final boolean sortKeys;
    private final StringBuilder out = new StringBuilder();

    private Json(Render r, boolean ascii, String indent, String itemSeparator, String keySeparator, boolean sortKeys) {
        this.r = r;
        this.ascii = ascii;
        this.indent = indent;
        this.itemSeparator = itemSeparator;
        this.keySeparator = keySeparator;
        this.sortKeys = sortKeys;
    }

    /** The filter: {@code tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)}. */
    static String filter(Render r, Object value, Args args) {
        Object[] a = args.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
        String indent = null;
        if (a[1] != Args.ABSENT && a[1] != null) {
            String text = Py.text(a[1]);
            indent = text != null ? text : Text.repeat(r, " ", Num.index(a[1]));
        }
        String item = indent == null ? ", " : ",";
        String key = ": ";
        if (a[2] != Args.ABSENT && a[2] != null) {
            List<Object> pair = Py.list(r, a[2]);
            if (pair.size() != 2 || Py.text(pair.get(0)) == null || Py.text(pair.get(1)) == null) {
                throw PyError.type("separators must be two strings");
            }
            item = Py.text(pair.get(0));
            key = Py.text(pair.get(1));
        }
        Json json = new Json(r, a[0] != Args.ABSENT && Py.truth(a[0]), indent, item, key,
                a[3] != Args.ABSENT && Py.truth(a[3]));
        json.write(value, 0);
        return json.out.toString();
    }

    private void write(Object v, int depth) {
        r.enter();
        try {
            String s = Py.text(v);
            if (s != null) {
                string(s);
            } else if (v instanceof List<?> list) {
                array(list, depth);
            } else if (v instanceof PyDict dict) {
                object(dict, depth);
            } else {
                String scalar = scalar(v);
                if (scalar == null) {
                    throw PyError.type("Object of type " + Py.typeName(v) + " is not JSON serializable");
                }
                append(scalar);
            }
        } finally {
            r.leave();
        }
    }

    private static String scalar(Object v) {
        if (v == null) {
            return "null";
        }
        if (v instanceof Boolean b) {
            return b ? "true" : "false";
        }
        if (v instanceof Long l) {
            return l.toString();
        }
        if (v instanceof BigInteger b) {
            return Num.str(b);
        }
        if (v instanceof Double d) {
            return d.isNaN() ? "NaN" : d.isInfinite() ? d > 0 ? "Infinity" : "-Infinity" : Num.repr(d);
        }
        return null;
    }

    private void array(List<?> list, int depth) {
        if (list.isEmpty()) {
            append("[]");
            return;
        }
        append("[");
        for (int i = 0; i < list.size(); i++) {
            if (i > 0) {
                append(itemSeparator);
            }
            newline(depth + 1);
            write(list.get(i), depth + 1);
        }
        newline(depth);
        append("]");
    }

    private void object(PyDict dict, int depth) {
        if (dict.size() == 0) {
            append("{}");
            return;
        }
        List<Object> entries = new ArrayList<>(dict.entries());
        if (sortKeys) {
            entries = Py.sorted(r, entries, e -> ((PyDict.Entry) e).key(), false);
        }
        append("{");
        boolean first = true;
        for (Object o : entries) {
            PyDict.Entry e = (PyDict.Entry) o;
            if (!first) {
                append(itemSeparator);
            }
            first = false;
            newline(depth + 1);
            String text = Py.text(e.key());
            String key = text != null ? text : scalar(e.key());
            if (key == null) {
                throw PyError.type("keys must be str, int, float, bool or None, not " + Py.typeName(e.key()));
            }
            string(key);
            append(keySeparator);
            write(e.value(), depth + 1);
        }
        newline(depth);
        append("}");
    }

    private void newline(int depth) {
        if (indent != null) {
            append("\n");
            for (int i = 0; i < depth; i++) {
                append(indent);
            }
        }
    }

    private void append(String s) {
        r.allocate(s.length());
        out.append(s);
    }

    private void string(String s) {
        r.allocate(s.length() + 2L);
        out.append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\f' -> out.append("\\f");
                case '\b' -> out.append("\\b");
                default -> {
                    if (c < 0x20 || (ascii && c > 0x7e)) {
                        hex(out.append("\\u"), c, 4);
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    private static void hex(StringBuilder b, int value, int digits) {
        for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
            b.append(Character.forDigit((value >> shift) & 15, 16));
        }
    }

    /** Appends Python's repr of a string. */
    static void reprString(String s, StringBuilder b) {
        char quote = s.indexOf('\'') >= 0 && s.indexOf('"') < 0 ? '"' : '\'';
        b.append(quote);
        for (int i = 0; i < s.length(); ) {
            int c = s.codePointAt(i);
            i += Character.charCount(c);
            if (c == quote || c == '\\') {
                b.append('\\').append((char) c);
            } else if (c == '\n') {
                b.append("\\n");
            } else if (c == '\r') {
                b.append("\\r");
            } else if (c == '\t') {
                b.append("\\t");
            } else if (Text.isPrintable(c)) {
                b.appendCodePoint(c);
            } else if (c < 0x100) {
                hex(b.append("\\x"), c, 2);
            } else if (c < 0x10000) {
                hex(b.append("\\u"), c, 4);
            } else {
                hex(b.append("\\U"), c, 8);
            }
        }
        b.append(quote);
    }

    /** Escapes everything beyond ASCII, as Python's {@code ascii()} does after repr. */
    static String asciiOnly(String repr) {
        StringBuilder b = new StringBuilder();
        repr.codePoints().forEach(c -> {
            if (c < 0x80) {
                b.append((char) c);
            } else if (c < 0x100) {
                hex(b.append("\\x"), c, 2);
            } else if (c < 0x10000) {
                hex(b.append("\\u"), c, 4);
            } else {
                hex(b.append("\\U"), c, 8);
            }
        });
        return b.toString();
    }
}
