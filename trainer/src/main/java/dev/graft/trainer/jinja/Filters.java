package dev.graft.trainer.jinja;

import java.util.HashMap;
import java.util.Map;

/** The filters: {@code value|name(arguments)}. */
final class Filters {
    /** A filter. */
    interface Filter {
        Object apply(Render r, Object value, Args args);
    }

    private static final Map<String, Filter> ALL = new HashMap<>();

    static {
        TextFilters.register(ALL);
        SequenceFilters.register(ALL);
        ALL.put("default", Filters::defaultValue);
        ALL.put("d", Filters::defaultValue);
        ALL.put("tojson", Json::filter);
        ALL.put("abs", Filters::abs);
        ALL.put("round", Filters::round);
        ALL.put("int", Filters::toInt);
        ALL.put("float", Filters::toFloat);
        ALL.put("attr", (r, v, a) -> {
            String name = StrMethods.text(a.bind("attr", 1, "name")[0]);
            if (v instanceof Undefined u) {
                throw u.error();
            }
            Object own = Attributes.own(r, v, name);
            return own == null ? new Undefined(null, v, name) : own == Slices.NONE ? null : own;
        });
    }

    private Filters() {}

    static boolean exists(String name) {
        return ALL.containsKey(name);
    }

    static Object apply(Render r, String name, Object value, Args args) {
        Filter f = ALL.get(name);
        if (f == null) {
            throw PyError.other("No filter named '" + name + "'.");
        }
        return f.apply(r, value, args);
    }

    static long number(Object v, long absent) {
        return v == Args.ABSENT ? absent : Num.index(v);
    }

    static boolean flag(Object v, boolean absent) {
        return v == Args.ABSENT ? absent : Py.truth(v);
    }

    private static Object defaultValue(Render r, Object v, Args args) {
        Object[] a = args.bind("default", 0, "default_value", "boolean");
        boolean missing = v instanceof Undefined || (flag(a[1], false) && !Py.truth(v));
        return !missing ? v : a[0] == Args.ABSENT ? "" : a[0];
    }

    private static Object abs(Render r, Object v, Args args) {
        Object n = Num.of(v);
        if (n == null) {
            if (v instanceof Undefined u) {
                throw u.error();
            }
            throw PyError.type("bad operand type for abs(): '" + Py.typeName(v) + "'");
        }
        return n instanceof Double d ? (Object) Math.abs(d) : Num.norm(Num.big(n).abs());
    }

    private static Object toInt(Render r, Object v, Args args) {
        Object[] a = args.bind("int", 0, "default", "base");
        String s = Py.text(v);
        try {
            return s != null ? Casts.parseInt(s, (int) number(a[1], 10)) : Casts.toInt(v);
        } catch (PyError e) {
            if (!isConversionError(e)) {
                throw e;
            }
        }
        try {
            return Casts.truncate(Casts.toFloat(v));
        } catch (PyError e) {
            if (!isConversionError(e) && e.type() != PyError.Type.OVERFLOW) {
                throw e;
            }
            return a[0] == Args.ABSENT ? 0L : a[0];
        }
    }

    private static Object toFloat(Render r, Object v, Args args) {
        Object[] a = args.bind("float", 0, "default");
        try {
            return Casts.toFloat(v);
        } catch (PyError e) {
            if (!isConversionError(e)) {
                throw e;
            }
            return a[0] == Args.ABSENT ? 0.0 : a[0];
        }
    }

    private static boolean isConversionError(PyError e) {
        return e.type() == PyError.Type.TYPE || e.type() == PyError.Type.VALUE;
    }

    private static Object round(Render r, Object v, Args args) {
        Object[] a = args.bind("round", 0, "precision", "method");
        long places = number(a[0], 0);
        String method = a[1] == Args.ABSENT ? "common" : Py.str(r, a[1]);
        Object n = Num.of(v);
        if (n == null) {
            if (v instanceof Undefined u) {
                throw u.error();
            }
            throw PyError.type("type " + Py.typeName(v) + " doesn't define __round__ method");
        }
        switch (method) {
            case "common":
                return n instanceof Double d ? (Object) roundFloat(d, places) : roundInt(n, places);
            case "ceil", "floor":
                Object scale = Num.binary("**", 10L, places);
                Object scaled = Num.binary("*", n, scale);
                Object whole = !(scaled instanceof Double d) ? scaled
                        : Casts.truncate(method.equals("ceil") ? Math.ceil(d) : Math.floor(d));
                return Num.binary("/", whole, scale);
            default:
                throw PyError.other("method must be common, ceil or floor");
        }
    }

    private static double roundFloat(double d, long places) {
        if (Double.isNaN(d) || Double.isInfinite(d) || places > 323) {
            return d;
        }
        if (places < -308) {
            return Math.copySign(0.0, d);
        }
        double rounded = new java.math.BigDecimal(d).setScale((int) places, java.math.RoundingMode.HALF_EVEN).doubleValue();
        return rounded == 0 ? Math.copySign(0.0, d) : rounded;
    }

    private static Object roundInt(Object n, long places) {
        if (places >= 0) {
            return n;
        }
        if (places < -5000) {
            return 0L;
        }
        return Num.norm(new java.math.BigDecimal(Num.big(n)).setScale((int) places, java.math.RoundingMode.HALF_EVEN).toBigInteger());
    }
}
