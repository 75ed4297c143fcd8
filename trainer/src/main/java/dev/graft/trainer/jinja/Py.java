package dev.graft.trainer.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/** Python's built-in operations on {@link Values}. */
final class Py {
    private Py() {}

    static String typeName(Object v) {
        if (v == null) {
            return "NoneType";
        }
        if (v instanceof String) {
            return "str";
        }
        if (v instanceof Boolean) {
            return "bool";
        }
        if (v instanceof Long || v instanceof BigInteger) {
            return "int";
        }
        if (v instanceof Double) {
            return "float";
        }
        if (v instanceof PyTuple) {
            return "tuple";
        }
        if (v instanceof List) {
            return "list";
        }
        if (v instanceof PyDict) {
            return "dict";
        }
        return v instanceof PyObjects.Typed t ? t.typeName() : v.getClass().getSimpleName();
    }

    /** The text of a string (markup or not), or null. */
    static String text(Object v) {
        return v instanceof String s ? s : v instanceof Values.Markup m ? m.text() : null;
    }

    static boolean truth(Object v) {
        if (v instanceof Boolean b) {
            return b;
        }
        if (v == null || v instanceof Undefined) {
            return false;
        }
        String s = text(v);
        if (s != null) {
            return !s.isEmpty();
        }
        if (v instanceof List<?> l) {
            return !l.isEmpty();
        }
        if (v instanceof PyDict d) {
            return d.size() > 0;
        }
        if (v instanceof Long l) {
            return l != 0;
        }
        if (v instanceof Double d) {
            return d != 0;
        }
        return !(v instanceof PyObjects.Sized s2) || s2.length() > 0;
    }

    static long length(Render r, Object v) {
        String s = text(v);
        if (s != null) {
            r.work(s.length() >> 5);
            return Text.length(s);
        }
        if (v instanceof List<?> l) {
            return l.size();
        }
        if (v instanceof PyDict d) {
            return d.size();
        }
        if (v instanceof PyObjects.Sized sized) {
            return sized.length();
        }
        if (v instanceof Undefined) {
            return 0;
        }
        throw PyError.type("object of type '" + typeName(v) + "' has no len()");
    }

    static boolean hasLength(Object v) {
        return text(v) != null || v instanceof List || v instanceof PyDict || v instanceof PyObjects.Sized
                || v instanceof Undefined;
    }

    static boolean isIterable(Object v) {
        return text(v) != null || v instanceof List || v instanceof PyDict || v instanceof PyObjects.Iter
                || v instanceof Undefined;
    }

    static Iterator<Object> iterate(Render r, Object v) {
        String s = text(v);
        if (s != null) {
            return characters(s);
        }
        if (v instanceof List<?> list) {
            return new Iterator<>() {
                private int at;

                @Override
                public boolean hasNext() {
                    return at < list.size();
                }

                @Override
                public Object next() {
                    if (!hasNext()) {
                        throw new NoSuchElementException();
                    }
                    r.step();
                    return list.get(at++);
                }
            };
        }
        if (v instanceof PyDict d) {
            return new PyObjects.DictView(d, PyObjects.DictView.Part.KEYS).iterate(r);
        }
        if (v instanceof PyObjects.Iter i) {
            return i.iterate(r);
        }
        if (v instanceof Undefined) {
            return Collections.emptyIterator();
        }
        throw PyError.type("'" + typeName(v) + "' object is not iterable");
    }

    private static Iterator<Object> characters(String s) {
        return new Iterator<>() {
            private int at;

            @Override
            public boolean hasNext() {
                return at < s.length();
            }

            @Override
            public Object next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                int c = s.codePointAt(at);
                at += Character.charCount(c);
                return Character.toString(c);
            }
        };
    }

    static List<Object> list(Render r, Object v) {
        r.allocate(Render.OBJECT);
        List<Object> list = new ArrayList<>();
        for (Iterator<Object> i = iterate(r, v); i.hasNext(); ) {
            r.allocate(Render.OBJECT);
            r.step();
            list.add(i.next());
        }
        return list;
    }

    static String str(Render r, Object v) {
        if (v instanceof String s) {
            return s;
        }
        if (v instanceof Values.Markup m) {
            return m.text();
        }
        if (v instanceof Undefined) {
            return "";
        }
        return repr(r, v);
    }

    static String repr(Render r, Object v) {
        StringBuilder b = new StringBuilder();
        repr(r, v, b);
        return b.toString();
    }

    private static void repr(Render r, Object v, StringBuilder b) {
        r.enter();
        int before = b.length();
        try {
            if (v == null) {
                b.append("None");
            } else if (v instanceof String s) {
                r.work(s.length() >> 3);
                Json.reprString(s, b);
            } else if (v instanceof Boolean t) {
                b.append(t ? "True" : "False");
            } else if (v instanceof Long l) {
                b.append((long) l);
            } else if (v instanceof BigInteger big) {
                b.append(Num.str(big));
            } else if (v instanceof Double d) {
                b.append(Num.repr(d));
            } else if (v instanceof List<?> l) {
                boolean tuple = v instanceof PyTuple;
                b.append(tuple ? '(' : '[');
                reprItems(r, l, b);
                b.append(tuple ? l.size() == 1 ? ",)" : ")" : "]");
                return;
            } else if (v instanceof PyDict d) {
                b.append('{');
                String sep = "";
                for (PyDict.Entry e : d.entries()) {
                    b.append(sep);
                    repr(r, e.key(), b);
                    b.append(": ");
                    repr(r, e.value(), b);
                    sep = ", ";
                }
                b.append('}');
                return;
            } else if (v instanceof PyObjects.DictView view) {
                b.append(view.typeName()).append("([");
                reprItems(r, list(r, view), b);
                b.append("])");
                return;
            } else if (v instanceof Values.Markup m) {
                b.append("Markup(");
                Json.reprString(m.text(), b);
                b.append(')');
            } else if (v instanceof Namespace n) {
                b.append("<Namespace ");
                repr(r, n.asDict(), b);
                b.append('>');
                return;
            } else {
                b.append(v instanceof Undefined ? "Undefined" : v.toString());
            }
            r.allocate(b.length() - before);
        } finally {
            r.leave();
        }
    }

    private static void reprItems(Render r, List<?> items, StringBuilder b) {
        String sep = "";
        for (Object item : items) {
            b.append(sep);
            repr(r, item, b);
            sep = ", ";
        }
    }

    static boolean same(Object a, Object b) {
        return a == b || (a instanceof Long && a.equals(b)) || (a instanceof String && a.equals(b))
                || (a instanceof Boolean && a.equals(b));
    }

    static boolean eq(Render r, Object a, Object b) {
        Object x = Num.of(a);
        Object y = Num.of(b);
        if (x != null || y != null) {
            return x != null && y != null && !Num.isNaN(x) && !Num.isNaN(y) && Num.compare(x, y) == 0;
        }
        if (a == b) {
            return true;
        }
        String s = text(a);
        if (s != null) {
            String t = text(b);
            if (t == null || t.length() != s.length()) {
                return false;
            }
            r.work(s.length() >> 5);
            return s.equals(t);
        }
        if (a instanceof List<?> l && b instanceof List<?> m) {
            return (a instanceof PyTuple) == (b instanceof PyTuple) && listEq(r, l, m);
        }
        if (a instanceof PyDict d && b instanceof PyDict e) {
            return dictEq(r, d, e);
        }
        if (a instanceof PyObjects.Range p && b instanceof PyObjects.Range q) {
            return p.sameAs(q);
        }
        if (a instanceof PyObjects.DictView p && b instanceof PyObjects.DictView q) {
            return p.sameAs(r, q);
        }
        return a instanceof Undefined && b instanceof Undefined;
    }

    private static boolean listEq(Render r, List<?> a, List<?> b) {
        if (a.size() != b.size()) {
            return false;
        }
        r.enter();
        try {
            for (int i = 0; i < a.size(); i++) {
                r.step();
                if (a.get(i) != b.get(i) && !eq(r, a.get(i), b.get(i))) {
                    return false;
                }
            }
            return true;
        } finally {
            r.leave();
        }
    }

    private static boolean dictEq(Render r, PyDict a, PyDict b) {
        if (a.size() != b.size()) {
            return false;
        }
        r.enter();
        try {
            for (PyDict.Entry e : a.entries()) {
                r.step();
                PyDict.Entry other = b.entry(r, e.key());
                if (other == null || (other.value() != e.value() && !eq(r, e.value(), other.value()))) {
                    return false;
                }
            }
            return true;
        } finally {
            r.leave();
        }
    }

    /** Python's {@code a op b} for {@code < <= > >=}. */
    static boolean ordered(Render r, String op, Object a, Object b) {
        Object x = Num.of(a);
        Object y = Num.of(b);
        if (x != null && y != null && (Num.isNaN(x) || Num.isNaN(y))) {
            return false;
        }
        int c = compare(r, op, a, b);
        return switch (op) {
            case "<" -> c < 0;
            case "<=" -> c <= 0;
            case ">" -> c > 0;
            default -> c >= 0;
        };
    }

    static int compare(Render r, String op, Object a, Object b) {
        Object x = Num.of(a);
        Object y = Num.of(b);
        if (x != null && y != null) {
            return Num.compare(x, y);
        }
        String s = text(a);
        String t = text(b);
        if (s != null && t != null) {
            r.work(Math.min(s.length(), t.length()) >> 5);
            return Text.compare(s, t);
        }
        if (a instanceof List<?> l && b instanceof List<?> m && (a instanceof PyTuple) == (b instanceof PyTuple)) {
            r.enter();
            try {
                int n = Math.min(l.size(), m.size());
                for (int i = 0; i < n; i++) {
                    r.step();
                    if (!eq(r, l.get(i), m.get(i))) {
                        return compare(r, op, l.get(i), m.get(i));
                    }
                }
                return Integer.compare(l.size(), m.size());
            } finally {
                r.leave();
            }
        }
        if (a instanceof Undefined u) {
            throw u.error();
        }
        if (b instanceof Undefined u) {
            throw u.error();
        }
        throw PyError.type("'" + op + "' not supported between instances of '" + typeName(a) + "' and '" + typeName(b) + "'");
    }

    /** Python's {@code item in container}. */
    static boolean contains(Render r, Object container, Object item) {
        String s = text(container);
        if (s != null) {
            String t = text(item);
            if (t == null) {
                throw PyError.type("'in <string>' requires string as left operand, not " + typeName(item));
            }
            return Text.find(r, s, t, 0) >= 0;
        }
        if (container instanceof PyDict d) {
            return d.entry(r, item) != null;
        }
        if (container instanceof PyObjects.Range range && Num.of(item) != null) {
            return range.contains(item);
        }
        if (!isIterable(container)) {
            throw PyError.type("argument of type '" + typeName(container) + "' is not iterable");
        }
        for (Iterator<Object> i = iterate(r, container); i.hasNext(); ) {
            r.step();
            Object o = i.next();
            if (o == item || eq(r, o, item)) {
                return true;
            }
        }
        return false;
    }

    /** The binary operators other than comparisons. */
    static Object binary(Render r, String op, Object a, Object b) {
        Object x = Num.of(a);
        Object y = Num.of(b);
        if (x != null && y != null) {
            return Num.binary(op, x, y);
        }
        if (a instanceof Undefined u) {
            throw u.error();
        }
        String s = text(a);
        if (op.equals("%") && s != null) {
            return a instanceof String ? r.made(PyFormat.percent(r, s, b, false)) : new Values.Markup(r.made(PyFormat.percent(r, s, b, true)));
        }
        if (b instanceof Undefined u) {
            throw u.error();
        }
        if (op.equals("+")) {
            return add(r, a, b);
        }
        if (op.equals("*") && (Num.isInt(a) || Num.isInt(b))) {
            Object seq = Num.isInt(a) ? b : a;
            long n = Num.index(seq == a ? b : a);
            Object result = repeat(r, seq, n);
            if (result != null) {
                return result;
            }
        }
        throw unsupported(op.equals("**") ? "** or pow()" : op, a, b);
    }

    private static Object repeat(Render r, Object seq, long n) {
        if (seq instanceof String s) {
            return Text.repeat(r, s, n);
        }
        if (seq instanceof Values.Markup m) {
            return new Values.Markup(Text.repeat(r, m.text(), n));
        }
        if (seq instanceof List<?> l) {
            List<Object> all = new ArrayList<>();
            if (n > 0 && !l.isEmpty()) {
                r.allocate(n > Integer.MAX_VALUE ? Long.MAX_VALUE >> 8 : n * l.size() * 4);
                for (long i = 0; i < n; i++) {
                    r.work(l.size());
                    all.addAll(l);
                }
            }
            return seq instanceof PyTuple ? PyTuple.of(all) : all;
        }
        return null;
    }

    private static Object add(Render r, Object a, Object b) {
        if (a instanceof String s && b instanceof String t) {
            r.allocate((long) s.length() + t.length());
            return s.concat(t);
        }
        if (text(a) != null && text(b) != null) {
            return new Values.Markup(r.made(Values.Markup.escape(r, a) + Values.Markup.escape(r, b)));
        }
        if (a instanceof List<?> l && b instanceof List<?> m && (a instanceof PyTuple) == (b instanceof PyTuple)) {
            r.allocate(4L * (l.size() + m.size()));
            List<Object> all = new ArrayList<>(l.size() + m.size());
            all.addAll(l);
            all.addAll(m);
            return a instanceof PyTuple ? PyTuple.of(all) : all;
        }
        if (text(a) != null || a instanceof List) {
            String type = typeName(a);
            throw PyError.type("can only concatenate " + type + " (not \"" + typeName(b) + "\") to " + type);
        }
        throw unsupported("+", a, b);
    }

    private static PyError unsupported(String op, Object a, Object b) {
        return PyError.type("unsupported operand type(s) for " + op + ": '" + typeName(a) + "' and '" + typeName(b) + "'");
    }

    /** Unary {@code -} or {@code +}. */
    static Object unary(String op, Object v) {
        Object n = Num.of(v);
        if (n != null) {
            return op.equals("-") ? Num.negate(n) : n;
        }
        if (v instanceof Undefined u) {
            throw u.error();
        }
        throw PyError.type("bad operand type for unary " + op + ": '" + typeName(v) + "'");
    }

    /** A stable sort with Python's errors and the render's limits. */
    static List<Object> sorted(Render r, List<Object> items, java.util.function.UnaryOperator<Object> key, boolean reverse) {
        List<Object[]> keyed = new ArrayList<>(items.size());
        for (Object item : items) {
            r.step();
            keyed.add(new Object[] {key.apply(item), item});
        }
        java.util.Comparator<Object[]> order = (p, q) -> {
            r.step();
            return compare(r, "<", p[0], q[0]);
        };
        try {
            keyed.sort(reverse ? order.reversed() : order);
        } catch (IllegalArgumentException e) {
            throw PyError.value("values have no consistent order");
        }
        r.allocate(4L * items.size());
        List<Object> out = new ArrayList<>(items.size());
        for (Object[] k : keyed) {
            out.add(k[1]);
        }
        return out;
    }
}
