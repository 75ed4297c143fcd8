package dev.graft.trainer.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/** Python's arithmetic: integers without bounds, floor division, shortest representation of floats. */
final class Num {
    private static final int MAX_BITS = 1 << 17;
    private static final int MAX_DIGITS = 4300;
    private static final BigInteger MIN = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger MAX = BigInteger.valueOf(Long.MAX_VALUE);

    private Num() {}

    static Object norm(BigInteger b) {
        if (b.bitLength() > MAX_BITS) {
            throw TemplateException.limit("integer of more than " + MAX_BITS + " bits");
        }
        return b.compareTo(MIN) >= 0 && b.compareTo(MAX) <= 0 ? (Object) b.longValue() : b;
    }

    /** The value as Long, BigInteger or Double (True is 1), or null if it is not a number. */
    static Object of(Object v) {
        if (v instanceof Long || v instanceof Double || v instanceof BigInteger) {
            return v;
        }
        return v instanceof Boolean b ? (Object) (b ? 1L : 0L) : null;
    }

    static boolean isInt(Object v) {
        return v instanceof Long || v instanceof BigInteger || v instanceof Boolean;
    }

    static BigInteger big(Object v) {
        return v instanceof BigInteger b ? b : BigInteger.valueOf((Long) v);
    }

    /** The integral double as an integer. */
    static BigInteger toBig(double d) {
        return new BigDecimal(d).toBigInteger();
    }

    static double dbl(Object n) {
        double d = ((Number) n).doubleValue();
        if (Double.isInfinite(d) && n instanceof BigInteger) {
            throw PyError.overflow("int too large to convert to float");
        }
        return d;
    }

    /** The value as an index: a long, clamped if it is a bigger integer. */
    static long index(Object v, String message) {
        if (v instanceof Long l) {
            return l;
        }
        if (v instanceof Boolean b) {
            return b ? 1 : 0;
        }
        if (v instanceof BigInteger b) {
            return b.signum() < 0 ? Long.MIN_VALUE / 2 : Long.MAX_VALUE / 2;
        }
        if (v instanceof Undefined u) {
            throw u.error();
        }
        throw PyError.type(message);
    }

    static long index(Object v) {
        return index(v, "'" + Py.typeName(v) + "' object cannot be interpreted as an integer");
    }

    /** The operator {@code op} on two numbers as {@link #of} gives them. */
    static Object binary(String op, Object a, Object b) {
        if (a instanceof Double || b instanceof Double) {
            return floats(op, dbl(a), dbl(b));
        }
        switch (op) {
            case "/":
                return divide(a, b);
            case "**":
                return power(a, b);
            default:
                return a instanceof Long x && b instanceof Long y ? longs(op, x, y) : bigs(op, big(a), big(b));
        }
    }

    private static Object longs(String op, long x, long y) {
        switch (op) {
            case "+": {
                long s = x + y;
                return ((x ^ s) & (y ^ s)) < 0 ? bigs(op, BigInteger.valueOf(x), BigInteger.valueOf(y)) : (Object) s;
            }
            case "-": {
                long s = x - y;
                return ((x ^ y) & (x ^ s)) < 0 ? bigs(op, BigInteger.valueOf(x), BigInteger.valueOf(y)) : (Object) s;
            }
            case "*": {
                long high = Math.multiplyHigh(x, y);
                long low = x * y;
                boolean fits = (high == 0 && low >= 0) || (high == -1 && low < 0);
                return fits ? (Object) low : bigs(op, BigInteger.valueOf(x), BigInteger.valueOf(y));
            }
            case "//":
                checkZero(y == 0);
                return x == Long.MIN_VALUE && y == -1 ? norm(MIN.negate()) : (Object) Math.floorDiv(x, y);
            default:
                checkZero(y == 0);
                return Math.floorMod(x, y);
        }
    }

    private static Object bigs(String op, BigInteger x, BigInteger y) {
        switch (op) {
            case "+":
                return norm(x.add(y));
            case "-":
                return norm(x.subtract(y));
            case "*":
                if ((long) x.bitLength() + y.bitLength() > MAX_BITS) {
                    throw TemplateException.limit("integer of more than " + MAX_BITS + " bits");
                }
                return norm(x.multiply(y));
            default:
                checkZero(y.signum() == 0);
                BigInteger[] qr = x.divideAndRemainder(y);
                boolean adjust = qr[1].signum() != 0 && qr[1].signum() != y.signum();
                return op.equals("//")
                        ? norm(adjust ? qr[0].subtract(BigInteger.ONE) : qr[0])
                        : norm(adjust ? qr[1].add(y) : qr[1]);
        }
    }

    private static void checkZero(boolean zero) {
        if (zero) {
            throw new PyError(PyError.Type.ZERO_DIVISION, "division by zero");
        }
    }

    private static Object floats(String op, double x, double y) {
        switch (op) {
            case "+":
                return x + y;
            case "-":
                return x - y;
            case "*":
                return x * y;
            case "/":
                checkZero(y == 0);
                return x / y;
            case "//":
                checkZero(y == 0);
                return floorDiv(x, y);
            case "%":
                checkZero(y == 0);
                return floorMod(x, y);
            default:
                return floatPower(x, y);
        }
    }

    private static double floorMod(double x, double y) {
        double m = x % y;
        if (m == 0) {
            return Math.copySign(0.0, y);
        }
        return (m < 0) != (y < 0) ? m + y : m;
    }

    private static double floorDiv(double x, double y) {
        double m = x % y;
        double div = (x - m) / y;
        if (m != 0 && (m < 0) != (y < 0)) {
            div -= 1;
        }
        if (div == 0) {
            return Math.copySign(0.0, x / y);
        }
        double floor = Math.floor(div);
        return div - floor > 0.5 ? floor + 1 : floor;
    }

    private static Object floatPower(double x, double y) {
        if (x == 0 && y < 0) {
            throw new PyError(PyError.Type.ZERO_DIVISION, "0.0 cannot be raised to a negative power");
        }
        if (x == 1 || y == 0) {
            return 1.0;
        }
        if (x < 0 && !Double.isInfinite(x) && !Double.isInfinite(y) && y != Math.rint(y)) {
            throw PyError.value("complex numbers are not supported");
        }
        double p = x == -1 && Double.isInfinite(y) ? 1.0 : Math.pow(x, y);
        if (Double.isInfinite(p) && !Double.isInfinite(x) && !Double.isInfinite(y)) {
            throw PyError.overflow("(34, 'Numerical result out of range')");
        }
        return p;
    }

    private static Object divide(Object a, Object b) {
        BigInteger x = big(a);
        BigInteger y = big(b);
        checkZero(y.signum() == 0);
        if (x.bitLength() <= 53 && y.bitLength() <= 53) {
            return x.doubleValue() / y.doubleValue();
        }
        double q = new BigDecimal(x).divide(new BigDecimal(y), new MathContext(60)).doubleValue();
        if (Double.isInfinite(q)) {
            throw PyError.overflow("integer division result too large for a float");
        }
        return q;
    }

    private static Object power(Object a, Object b) {
        BigInteger x = big(a);
        BigInteger y = big(b);
        if (y.signum() < 0) {
            return floatPower(dbl(a), dbl(b));
        }
        if (y.signum() == 0) {
            return 1L;
        }
        if (x.bitLength() <= 1 && x.abs().compareTo(BigInteger.ONE) <= 0) {
            return x.signum() < 0 && !y.testBit(0) ? (Object) 1L : norm(x);
        }
        if (y.bitLength() > 31 || (x.bitLength() - 1L) * y.longValue() > MAX_BITS) {
            throw TemplateException.limit("integer of more than " + MAX_BITS + " bits");
        }
        return norm(x.pow(y.intValue()));
    }

    static Object negate(Object n) {
        return n instanceof Double d ? (Object) (-d) : norm(big(n).negate());
    }

    /** Compares two numbers exactly; NaN is the caller's business. */
    static int compare(Object a, Object b) {
        if (a instanceof Long x && b instanceof Long y) {
            return Long.compare(x, y);
        }
        if (a instanceof Double x && b instanceof Double y) {
            return x < y ? -1 : x > y ? 1 : 0;
        }
        if (a instanceof Double x) {
            return -compareTo(b, x);
        }
        return b instanceof Double y ? compareTo(a, y) : big(a).compareTo(big(b));
    }

    private static int compareTo(Object integer, double d) {
        if (Double.isInfinite(d)) {
            return d > 0 ? -1 : 1;
        }
        return new BigDecimal(big(integer)).compareTo(new BigDecimal(d));
    }

    static boolean isNaN(Object n) {
        return n instanceof Double d && d.isNaN();
    }

    static String str(BigInteger b) {
        if (b.bitLength() > 14_300 || b.abs().toString().length() > MAX_DIGITS) {
            throw PyError.value("Exceeds the limit (" + MAX_DIGITS + " digits) for integer string conversion");
        }
        return b.toString();
    }

    /** Python's repr of a float. */
    static String repr(double d) {
        if (Double.isNaN(d)) {
            return "nan";
        }
        if (Double.isInfinite(d)) {
            return d > 0 ? "inf" : "-inf";
        }
        if (d == 0) {
            return 1 / d < 0 ? "-0.0" : "0.0";
        }
        BigDecimal shortest = shortest(d);
        String digits = shortest.unscaledValue().abs().toString();
        int exponent = digits.length() - 1 - shortest.scale();
        String sign = d < 0 ? "-" : "";
        if (exponent >= -4 && exponent < 16) {
            String plain = shortest.abs().toPlainString();
            return sign + (plain.indexOf('.') < 0 ? plain + ".0" : plain);
        }
        String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        String e = Integer.toString(Math.abs(exponent));
        return sign + mantissa + "e" + (exponent < 0 ? "-" : "+") + (e.length() < 2 ? "0" + e : e);
    }

    private static BigDecimal shortest(double d) {
        BigDecimal exact = new BigDecimal(d);
        BigDecimal candidate = exact;
        for (int digits = 1; digits <= 17; digits++) {
            candidate = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
            if (candidate.doubleValue() == d) {
                break;
            }
        }
        BigDecimal stripped = candidate.stripTrailingZeros();
        return stripped.scale() < 0 && stripped.precision() - stripped.scale() <= 16 ? stripped.setScale(0) : stripped;
    }
}
