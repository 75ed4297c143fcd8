package dev.graft.trainer.jinja;

import java.math.BigInteger;
import java.util.Locale;

/** Python's {@code int()} and {@code float()}. */
final class Casts {
    private Casts() {}

    static Object truncate(double d) {
        if (Double.isNaN(d)) {
            throw PyError.value("cannot convert float NaN to integer");
        }
        if (Double.isInfinite(d)) {
            throw PyError.overflow("cannot convert float infinity to integer");
        }
        return Num.norm(Num.toBig(d));
    }

    static Object toInt(Object v) {
        Object n = Num.of(v);
        if (n != null) {
            return n instanceof Double d ? truncate(d) : n;
        }
        if (v instanceof Undefined u) {
            throw u.error();
        }
        String s = Py.text(v);
        if (s == null) {
            throw PyError.type("int() argument must be a string, a bytes-like object or a real number, not '" + Py.typeName(v) + "'");
        }
        return parseInt(s, 10);
    }

    static Object parseInt(String s, int base) {
        PyError bad = PyError.value("invalid literal for int() with base " + base);
        if (base != 0 && (base < 2 || base > 36)) {
            throw PyError.value("int() base must be >= 2 and <= 36, or 0");
        }
        String t = Text.strip(s, null, true, true).toLowerCase(Locale.ROOT);
        boolean negative = t.startsWith("-");
        if (negative || t.startsWith("+")) {
            t = t.substring(1);
        }
        int radix = base == 0 ? 10 : base;
        int prefixed = t.startsWith("0x") ? 16 : t.startsWith("0o") ? 8 : t.startsWith("0b") ? 2 : 0;
        if (prefixed != 0 && (base == 0 || base == prefixed)) {
            radix = prefixed;
            t = t.substring(2);
            if (t.startsWith("_")) {
                t = t.substring(1);
            }
        }
        String digits = digits(t, radix);
        if (digits == null || digits.length() > 4300) {
            throw bad;
        }
        BigInteger b = new BigInteger(digits, radix);
        return Num.norm(negative ? b.negate() : b);
    }

    /** The digits without underscores, or null if they are not digits. */
    private static String digits(String t, int radix) {
        StringBuilder b = new StringBuilder();
        boolean digit = false;
        for (int i = 0; i < t.length(); i++) {
            char c = t.charAt(i);
            int v = Character.digit(c, radix);
            if (v >= 0) {
                b.append(Character.forDigit(v, radix));
                digit = true;
            } else if (c == '_' && digit && i + 1 < t.length()) {
                digit = false;
            } else {
                return null;
            }
        }
        return digit ? b.toString() : null;
    }

    static double toFloat(Object v) {
        Object n = Num.of(v);
        if (n != null) {
            return Num.dbl(n);
        }
        if (v instanceof Undefined u) {
            throw u.error();
        }
        String s = Py.text(v);
        if (s == null) {
            throw PyError.type("float() argument must be a string or a real number, not '" + Py.typeName(v) + "'");
        }
        return parseFloat(s);
    }

    private static double parseFloat(String s) {
        PyError bad = PyError.value("could not convert string to float");
        String t = Text.strip(s, null, true, true).toLowerCase(Locale.ROOT);
        String unsigned = t.startsWith("-") || t.startsWith("+") ? t.substring(1) : t;
        double sign = t.startsWith("-") ? -1 : 1;
        if (unsigned.equals("inf") || unsigned.equals("infinity")) {
            return sign * Double.POSITIVE_INFINITY;
        }
        if (unsigned.equals("nan")) {
            return Double.NaN;
        }
        if (unsigned.length() > 2000) {
            throw bad;
        }
        StringBuilder b = new StringBuilder();
        for (int i = 0; i < unsigned.length(); i++) {
            char c = unsigned.charAt(i);
            int d = Character.digit(c, 10);
            if (d >= 0) {
                b.append(d);
            } else if (c == '_') {
                boolean between = i > 0 && i + 1 < unsigned.length() && Character.isDigit(unsigned.charAt(i - 1))
                        && Character.isDigit(unsigned.charAt(i + 1));
                if (!between) {
                    throw bad;
                }
            } else if (c == '.' || c == 'e' || ((c == '+' || c == '-') && i > 0 && unsigned.charAt(i - 1) == 'e')) {
                b.append(c);
            } else {
                throw bad;
            }
        }
        try {
            return sign * Double.parseDouble(b.toString());
        } catch (NumberFormatException e) {
            throw bad;
        }
    }
}
