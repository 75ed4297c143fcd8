package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.List;

/** Subscripts: {@code x[i]} and {@code x[start:stop:step]}. */
final class Slices {
    private static final String MESSAGE = "slice indices must be integers or None or have an __index__ method";

    private Slices() {}

    /** Stands for an item that is None. */
    static final Object NONE = new Object();

    /** The item of a sequence, {@link #NONE} for None, or null if the index is no index or out of range. */
    static Object item(Render r, Object seq, Object key) {
        if (!Num.isInt(key)) {
            return null;
        }
        long i = Num.index(key, "");
        long n = Py.length(r, seq);
        if (i < 0) {
            i += n;
        }
        if (i < 0 || i >= n) {
            return null;
        }
        if (seq instanceof List<?> l) {
            Object o = l.get((int) i);
            return o == null ? NONE : o;
        }
        if (seq instanceof PyObjects.Range range) {
            return range.get(i);
        }
        String s = Py.text(seq);
        r.work(i >> 5);
        int at = s.offsetByCodePoints(0, (int) i);
        String c = Character.toString(s.codePointAt(at));
        return seq instanceof String ? c : new Values.Markup(c);
    }

    static boolean canSlice(Object v) {
        return Py.text(v) != null || v instanceof List || v instanceof PyObjects.Range;
    }

    /** The slice {@code seq[start:stop:step]}; null stands for a bound not given. */
    static Object slice(Render r, Object seq, Object start, Object stop, Object step) {
        String s = Py.text(seq);
        if (!canSlice(seq)) {
            throw PyError.type(seq instanceof PyDict ? "unhashable type: 'slice'"
                    : "'" + Py.typeName(seq) + "' object is not subscriptable");
        }
        long n = Py.length(r, seq);
        long by = step == null ? 1 : Num.index(step, MESSAGE);
        if (by == 0) {
            throw PyError.value("slice step cannot be zero");
        }
        long from = start == null ? (by > 0 ? 0 : n - 1) : clamp(Num.index(start, MESSAGE), n, by);
        long to = stop == null ? (by > 0 ? n : -1) : clamp(Num.index(stop, MESSAGE), n, by);
        long count = by > 0 ? (to <= from ? 0 : (to - from - 1) / by + 1) : (from <= to ? 0 : (from - to - 1) / -by + 1);
        if (s != null) {
            r.work(s.length() >> 4);
            String part = part(s, from, by, count, n);
            r.made(part);
            return seq instanceof String ? part : new Values.Markup(part);
        }
        if (seq instanceof PyObjects.Range range) {
            return new PyObjects.Range(range.get(from), range.get(to), range.step() * by);
        }
        r.allocate(count * 4);
        List<?> list = (List<?>) seq;
        List<Object> out = new ArrayList<>((int) count);
        for (long i = 0; i < count; i++) {
            out.add(list.get((int) (from + i * by)));
        }
        return seq instanceof PyTuple ? PyTuple.of(out) : out;
    }

    private static long clamp(long i, long n, long step) {
        if (i < 0) {
            return Math.max(i + n, step > 0 ? 0 : -1);
        }
        return Math.min(i, step > 0 ? n : n - 1);
    }

    private static String part(String s, long from, long by, long count, long n) {
        if (count == 0) {
            return "";
        }
        if (by == 1) {
            int begin = s.offsetByCodePoints(0, (int) from);
            return s.substring(begin, from + count == n ? s.length() : s.offsetByCodePoints(begin, (int) count));
        }
        StringBuilder b = new StringBuilder();
        if (n == s.length()) {
            for (long i = 0; i < count; i++) {
                b.append(s.charAt((int) (from + i * by)));
            }
        } else {
            int[] points = s.codePoints().toArray();
            for (long i = 0; i < count; i++) {
                b.appendCodePoint(points[(int) (from + i * by)]);
            }
        }
        return b.toString();
    }
}
