package dev.graft.trainer.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/** Python's format specification, {@code [[fill]align][sign][#][0][width][,_][.precision][type]}. */
final class FormatSpec {
    String fill = " ";
    char align;
    char sign = '-';
    boolean alternate;
    boolean zero;
    int width;
    char grouping;
    int precision = -1;
    boolean percentStyle;
    private char type;

    /** {@code format(value, spec)}. */
    static String format(Render r, Object value, String spec) {
        if (spec.isEmpty()) {
            return Py.str(r, value);
        }
        FormatSpec f = parse(spec);
        String s = Py.text(value);
        if (s != null) {
            if (f.type != 0 && f.type != 's') {
                throw PyError.value("Unknown format code '" + f.type + "' for object of type 'str'");
            }
            return f.text(r, s);
        }
        Object n = Num.of(value);
        if (n == null) {
            if (value instanceof Undefined) {
                return "";
            }
            throw PyError.type("unsupported format string passed to " + Py.typeName(value) + ".__format__");
        }
        boolean real = n instanceof Double || (f.type != 0 && "eEfFgG%".indexOf(f.type) >= 0);
        if (value instanceof Boolean && f.type == 0 && !real) {
            return f.integer(r, n, 'd');
        }
        if (real) {
            return f.real(r, Num.dbl(n), f.type);
        }
        if (f.type == 'c') {
            return f.text(r, Character.toString((int) Num.index(n)));
        }
        return f.integer(r, n, f.type == 0 || f.type == 'n' ? 'd' : f.type);
    }

    private static FormatSpec parse(String s) {
        FormatSpec f = new FormatSpec();
        int i = 0;
        int first = Character.charCount(s.codePointAt(0));
        if (s.length() > first && "<>=^".indexOf(s.charAt(first)) >= 0) {
            f.fill = s.substring(0, first);
            f.align = s.charAt(first);
            i = first + 1;
        } else if ("<>=^".indexOf(s.charAt(0)) >= 0) {
            f.align = s.charAt(i++);
        }
        if (i < s.length() && "+- ".indexOf(s.charAt(i)) >= 0) {
            f.sign = s.charAt(i++);
        }
        if (i < s.length() && s.charAt(i) == 'z') {
            i++;
        }
        if (i < s.length() && s.charAt(i) == '#') {
            f.alternate = true;
            i++;
        }
        if (i < s.length() && s.charAt(i) == '0') {
            f.zero = true;
            i++;
        }
        int from = i;
        while (i < s.length() && Character.isDigit(s.charAt(i))) {
            i++;
        }
        f.width = PyFormat.number(s, from, i, 0);
        if (i < s.length() && ",_".indexOf(s.charAt(i)) >= 0) {
            f.grouping = s.charAt(i++);
        }
        if (i < s.length() && s.charAt(i) == '.') {
            from = ++i;
            while (i < s.length() && Character.isDigit(s.charAt(i))) {
                i++;
            }
            if (from == i) {
                throw PyError.value("Format specifier missing precision");
            }
            f.precision = PyFormat.number(s, from, i, 0);
        }
        if (i < s.length()) {
            f.type = s.charAt(i++);
        }
        if (i < s.length()) {
            throw PyError.value("Invalid format specifier");
        }
        return f;
    }

    String text(Render r, String s) {
        String cut = precision >= 0 && precision < Text.length(s) ? s.substring(0, s.offsetByCodePoints(0, precision)) : s;
        String padding = zero && fill.equals(" ") ? "0" : fill;
        return Text.pad(r, cut, width, padding, align == 0 ? '<' : align);
    }

    String integer(Render r, Object n, char code) {
        BigInteger v = Num.big(n);
        BigInteger abs = v.abs();
        String digits = switch (code) {
            case 'd' -> Num.str(abs);
            case 'x' -> abs.toString(16);
            case 'X' -> abs.toString(16).toUpperCase(Locale.ROOT);
            case 'o' -> abs.toString(8);
            case 'b' -> abs.toString(2);
            default -> throw PyError.value("Unknown format code '" + code + "' for object of type 'int'");
        };
        if (percentStyle && precision > digits.length()) {
            digits = "0".repeat(precision - digits.length()) + digits;
        } else if (!percentStyle && precision >= 0) {
            throw PyError.value("Precision not allowed in integer format specifier");
        }
        String prefix = alternate && code != 'd' ? "0" + code : "";
        return number(r, v.signum() < 0, prefix, digits, "", code == 'd' ? 3 : 4);
    }

    String real(Render r, double d, char code) {
        boolean negative = d < 0 || (d == 0 && 1 / d < 0);
        boolean upper = Character.isUpperCase(code);
        if (Double.isNaN(d) || Double.isInfinite(d)) {
            String s = Double.isNaN(d) ? "nan" : "inf";
            boolean zeros = zero;
            zero = false;
            String out = number(r, negative, "", "", (upper ? s.toUpperCase(Locale.ROOT) : s) + (code == '%' ? "%" : ""), 3);
            zero = zeros;
            return out;
        }
        BigDecimal exact = new BigDecimal(Math.abs(d));
        String body;
        switch (Character.toLowerCase(code)) {
            case 'f':
                body = fixed(exact, precision < 0 ? 6 : precision);
                break;
            case '%':
                body = fixed(new BigDecimal(Math.abs(d * 100)), precision < 0 ? 6 : precision) + "%";
                break;
            case 'e':
                body = scientific(exact, precision < 0 ? 6 : precision);
                break;
            case 'g', 'n':
                body = general(exact, precision < 0 ? 6 : Math.max(1, precision), false);
                break;
            case 0:
                body = precision < 0 ? Num.repr(Math.abs(d)) : general(exact, Math.max(1, precision), true);
                break;
            default:
                throw PyError.value("Unknown format code '" + code + "' for object of type 'float'");
        }
        if (upper) {
            body = body.toUpperCase(Locale.ROOT);
        }
        int end = 0;
        while (end < body.length() && Character.isDigit(body.charAt(end))) {
            end++;
        }
        return number(r, negative, "", body.substring(0, end), body.substring(end), 3);
    }

    private static String fixed(BigDecimal v, int places) {
        return v.setScale(places, RoundingMode.HALF_EVEN).toPlainString();
    }

    private static String scientific(BigDecimal v, int places) {
        if (v.signum() == 0) {
            return (places == 0 ? "0" : "0." + "0".repeat(places)) + "e+00";
        }
        BigDecimal rounded = v.round(new MathContext(places + 1, RoundingMode.HALF_EVEN));
        StringBuilder digits = new StringBuilder(rounded.unscaledValue().toString());
        int exponent = digits.length() - 1 - rounded.scale();
        while (digits.length() < places + 1) {
            digits.append('0');
        }
        if (places > 0) {
            digits.insert(1, '.');
        }
        return digits + exponent(exponent);
    }

    private static String exponent(int e) {
        String digits = Integer.toString(Math.abs(e));
        return (e < 0 ? "e-" : "e+") + (digits.length() < 2 ? "0" : "") + digits;
    }

    private String general(BigDecimal v, int significant, boolean reprLike) {
        if (v.signum() == 0) {
            return alternate && significant > 1 ? "0." + "0".repeat(significant - 1) : reprLike ? "0.0" : "0";
        }
        BigDecimal rounded = v.round(new MathContext(significant, RoundingMode.HALF_EVEN));
        int exponent = rounded.precision() - 1 - rounded.scale();
        if (exponent < -4 || exponent >= significant - (reprLike ? 1 : 0)) {
            String s = scientific(v, significant - 1);
            int e = s.indexOf('e');
            return alternate ? s : trimmed(s.substring(0, e)) + s.substring(e);
        }
        String s = fixed(rounded, Math.max(0, significant - 1 - exponent));
        if (alternate) {
            return s;
        }
        String t = trimmed(s);
        return reprLike && t.indexOf('.') < 0 ? t + ".0" : t;
    }

    private static String trimmed(String s) {
        if (s.indexOf('.') < 0) {
            return s;
        }
        int end = s.length();
        while (s.charAt(end - 1) == '0') {
            end--;
        }
        return s.substring(0, s.charAt(end - 1) == '.' ? end - 1 : end);
    }

    private String number(Render r, boolean negative, String prefix, String digits, String rest, int group) {
        String signs = (negative ? "-" : sign == '-' ? "" : String.valueOf(sign)) + prefix;
        boolean zeros = zero && align == 0;
        boolean padInside = zeros || align == '=';
        String inside = zeros ? "0" : fill;
        String whole = digits;
        if (grouping != 0) {
            int room = padInside && inside.equals("0") ? width - signs.length() - rest.length() : 0;
            whole = grouped(whole, group, room);
        }
        if (padInside) {
            long missing = width - (long) signs.length() - whole.length() - rest.length();
            return signs + Text.repeat(r, inside, missing) + whole + rest;
        }
        return Text.pad(r, signs + whole + rest, width, zero && fill.equals(" ") && !percentStyle ? "0" : fill, align == 0 ? '>' : align);
    }

    private String grouped(String digits, int group, int room) {
        StringBuilder b = new StringBuilder();
        int n = 0;
        for (int i = digits.length() - 1; i >= 0 || b.length() < room; i--) {
            if (n > 0 && n % group == 0) {
                b.append(grouping);
            }
            b.append(i >= 0 ? digits.charAt(i) : '0');
            n++;
        }
        return b.reverse().toString();
    }
}
