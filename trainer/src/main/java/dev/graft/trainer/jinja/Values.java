package dev.graft.trainer.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * Values inside a rendering: null, Boolean, Long, BigInteger (beyond long only), Double, String, {@link Markup},
 * ArrayList (a Python list), {@link PyTuple}, {@link PyDict} and the objects of {@link PyObjects}.
 */
final class Values {
    private static final int MAX_DEPTH = 350;

    private Values() {}

    /** Copies a caller's value. */
    static Object fromJava(Object v, int depth) {
        if (v == null || v instanceof String || v instanceof Boolean || v instanceof Long || v instanceof Double) {
            return v;
        }
        if (depth > MAX_DEPTH) {
            throw TemplateException.limit("context nests more than " + MAX_DEPTH + " levels deep");
        }
        if (v instanceof Integer || v instanceof Short || v instanceof Byte) {
            return ((Number) v).longValue();
        }
        if (v instanceof BigInteger b) {
            return Num.norm(b);
        }
        if (v instanceof Float || v instanceof BigDecimal) {
            return ((Number) v).doubleValue();
        }
        if (v instanceof Map<?, ?> map) {
            PyDict dict = new PyDict();
            for (Map.Entry<?, ?> e : map.entrySet()) {
                dict.put(null, fromJava(e.getKey(), depth + 1), fromJava(e.getValue(), depth + 1));
            }
            return dict;
        }
        if (v instanceof Collection<?> c) {
            List<Object> list = new ArrayList<>(c.size());
            for (Object item : c) {
                list.add(fromJava(item, depth + 1));
            }
            return list;
        }
        if (v instanceof Object[] array) {
            return fromJava(java.util.Arrays.asList(array), depth);
        }
        if (v instanceof CharSequence || v instanceof Character || v instanceof Enum<?>) {
            return v.toString();
        }
        throw PyError.type("a template cannot use a " + v.getClass().getName());
    }

    /** A string that has been declared free of HTML to escape. */
    record Markup(String text) {
        static String escape(String s) {
            StringBuilder b = new StringBuilder(s.length() + 16);
            for (int i = 0; i < s.length(); i++) {
                char c = s.charAt(i);
                switch (c) {
                    case '&' -> b.append("&amp;");
                    case '<' -> b.append("&lt;");
                    case '>' -> b.append("&gt;");
                    case '"' -> b.append("&#34;");
                    case '\'' -> b.append("&#39;");
                    default -> b.append(c);
                }
            }
            return b.toString();
        }

        /** The text of a value, escaped unless it is markup. */
        static String escape(Render r, Object v) {
            return v instanceof Markup m ? m.text : r.made(escape(Py.str(r, v)));
        }
    }
}
