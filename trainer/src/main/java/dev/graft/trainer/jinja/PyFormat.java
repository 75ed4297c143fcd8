package dev.graft.trainer.jinja;

import java.util.List;

/** Python's two ways to format strings: {@code '%s' % x} and {@code '{}'.format(x)}. */
final class PyFormat {
    private static final int MAX_WIDTH = 1 << 20;

    private final Render r;
    private final boolean markup;

    private PyFormat(Render r, boolean markup) {
        this.r = r;
        this.markup = markup;
    }

    /** {@code format % values}; with {@code markup}, values are escaped. */
    static String percent(Render r, String format, Object values, boolean markup) {
        return new PyFormat(r, markup).percent(format, values);
    }

    private String percent(String f, Object values) {
        boolean tuple = values instanceof PyTuple;
        int next = 0;
        boolean named = false;
        StringBuilder b = new StringBuilder();
        int n = f.length();
        for (int i = 0; i < n; i++) {
            char c = f.charAt(i);
            if (c != '%') {
                b.append(c);
                continue;
            }
            r.step();
            i++;
            String key = null;
            if (i < n && f.charAt(i) == '(') {
                int depth = 1;
                int from = ++i;
                while (i < n && depth > 0) {
                    depth += f.charAt(i) == '(' ? 1 : f.charAt(i) == ')' ? -1 : 0;
                    i++;
                }
                if (depth > 0) {
                    throw PyError.value("incomplete format key");
                }
                key = f.substring(from, i - 1);
            }
            FormatSpec spec = new FormatSpec();
            for (; i < n && "-+ #0".indexOf(f.charAt(i)) >= 0; i++) {
                switch (f.charAt(i)) {
                    case '-' -> spec.align = '<';
                    case '+' -> spec.sign = '+';
                    case ' ' -> spec.sign = spec.sign == '+' ? '+' : ' ';
                    case '#' -> spec.alternate = true;
                    default -> spec.zero = true;
                }
            }
            if (i < n && f.charAt(i) == '*') {
                long w = Num.index(argument(values, tuple, next++), "* wants int");
                if (w < 0) {
                    spec.align = '<';
                }
                spec.width = checked(Math.abs(w));
                i++;
            } else {
                int from = i;
                while (i < n && Character.isDigit(f.charAt(i))) {
                    i++;
                }
                spec.width = number(f, from, i, 0);
            }
            if (i < n && f.charAt(i) == '.') {
                i++;
                if (i < n && f.charAt(i) == '*') {
                    spec.precision = checked(Math.max(0, Num.index(argument(values, tuple, next++), "* wants int")));
                    i++;
                } else {
                    int from = i;
                    while (i < n && Character.isDigit(f.charAt(i))) {
                        i++;
                    }
                    spec.precision = number(f, from, i, 0);
                }
            }
            while (i < n && "hlL".indexOf(f.charAt(i)) >= 0) {
                i++;
            }
            if (i >= n) {
                throw PyError.value("incomplete format");
            }
            char type = f.charAt(i);
            if (type == '%') {
                b.append('%');
                continue;
            }
            Object value;
            if (key != null) {
                if (!(values instanceof PyDict d)) {
                    throw PyError.type("format requires a mapping");
                }
                named = true;
                PyDict.Entry e = d.entry(r, key);
                if (e == null) {
                    throw PyError.lookup("'" + key + "'");
                }
                value = e.value();
            } else {
                value = argument(values, tuple, next++);
            }
            String piece = piece(type, spec, value);
            r.allocate(piece.length());
            b.append(piece);
        }
        boolean container = values instanceof PyDict || (values instanceof List && !tuple) || values instanceof Undefined
                || values instanceof PyObjects.Range;
        if (!named && (tuple ? next < ((PyTuple) values).size() : next == 0 && !container)) {
            throw PyError.type("not all arguments converted during string formatting");
        }
        return b.toString();
    }

    private static Object argument(Object values, boolean tuple, int index) {
        int size = tuple ? ((PyTuple) values).size() : 1;
        if (index >= size) {
            throw PyError.type("not enough arguments for format string");
        }
        return tuple ? ((PyTuple) values).get(index) : values;
    }

    private String piece(char type, FormatSpec spec, Object value) {
        switch (type) {
            case 's', 'r', 'a':
                String s = type == 's' ? markup ? Values.Markup.escape(r, value) : Py.str(r, value) : Py.repr(r, value);
                if (type == 'a') {
                    s = Json.asciiOnly(s);
                }
                if (markup && type != 's') {
                    s = Values.Markup.escape(s);
                }
                spec.zero = false;
                spec.align = spec.align == 0 ? '>' : spec.align;
                return spec.text(r, s);
            case 'c':
                String one = Py.text(value);
                spec.align = spec.align == 0 ? '>' : spec.align;
                spec.zero = false;
                if (one != null && Text.length(one) == 1) {
                    return spec.text(r, one);
                }
                long c = Num.index(value, "%c requires int or char");
                if (c < 0 || c > 0x10FFFF) {
                    throw PyError.overflow("%c arg not in range(0x110000)");
                }
                return spec.text(r, Character.toString((int) c));
            case 'd', 'i', 'u', 'x', 'X', 'o':
                Object number = Num.of(value);
                if (number == null || (number instanceof Double && "xXo".indexOf(type) >= 0)) {
                    if (value instanceof Undefined u) {
                        throw u.error();
                    }
                    throw PyError.type("%" + type + " format: a real number is required, not " + Py.typeName(value));
                }
                Object whole = number instanceof Double d ? Casts.truncate(d) : number;
                spec.percentStyle = true;
                return spec.integer(r, whole, type == 'i' || type == 'u' ? 'd' : type);
            case 'e', 'E', 'f', 'F', 'g', 'G':
                Object real = Num.of(value);
                if (real == null) {
                    if (value instanceof Undefined u) {
                        throw u.error();
                    }
                    throw PyError.type("must be real number, not " + Py.typeName(value));
                }
                spec.percentStyle = true;
                return spec.real(r, Num.dbl(real), type);
            default:
                throw PyError.value("unsupported format character '" + type + "' (0x" + Integer.toHexString(type) + ")");
        }
    }

    /** {@code format.format(*args, **kwargs)}. */
    static String braces(Render r, String format, Args args, boolean markup) {
        return new PyFormat(r, markup).braces(format, args, new int[1], 2);
    }

    private String braces(String f, Args args, int[] auto, int depth) {
        if (depth < 0) {
            throw PyError.value("Max string recursion exceeded");
        }
        StringBuilder b = new StringBuilder();
        int n = f.length();
        for (int i = 0; i < n; i++) {
            char c = f.charAt(i);
            if (c != '{' && c != '}') {
                b.append(c);
                continue;
            }
            if (i + 1 < n && f.charAt(i + 1) == c) {
                b.append(c);
                i++;
                continue;
            }
            if (c == '}') {
                throw PyError.value("Single '}' encountered in format string");
            }
            r.step();
            int end = closing(f, i + 1);
            String piece = field(f.substring(i + 1, end), args, auto, depth);
            r.allocate(piece.length());
            b.append(piece);
            i = end;
        }
        return b.toString();
    }

    private static int closing(String f, int from) {
        int open = 1;
        boolean bracket = false;
        boolean spec = false;
        for (int i = from; i < f.length(); i++) {
            char c = f.charAt(i);
            if (bracket) {
                bracket = c != ']';
            } else if (c == '[' && !spec) {
                bracket = true;
            } else if (c == '{') {
                open++;
            } else if (c == '}' && --open == 0) {
                return i;
            } else if (c == ':' || c == '!') {
                spec = true;
            }
        }
        throw PyError.value(from >= f.length() ? "Single '{' encountered in format string" : "expected '}' before end of string");
    }

    private String field(String field, Args args, int[] auto, int depth) {
        int i = 0;
        boolean bracket = false;
        for (; i < field.length(); i++) {
            char c = field.charAt(i);
            if (bracket) {
                bracket = c != ']';
            } else if (c == '[') {
                bracket = true;
            } else if (c == '!' || c == ':') {
                break;
            }
        }
        Object value = lookup(field.substring(0, i), args, auto);
        char conversion = 0;
        if (i < field.length() && field.charAt(i) == '!') {
            conversion = i + 1 < field.length() ? field.charAt(i + 1) : 0;
            i += 2;
            if (i < field.length() && field.charAt(i) != ':') {
                throw PyError.value("expected ':' after conversion specifier");
            }
        }
        String spec = i < field.length() ? braces(field.substring(i + 1), args, auto, depth - 1) : "";
        if (conversion != 0) {
            value = switch (conversion) {
                case 's' -> Py.str(r, value);
                case 'r' -> Py.repr(r, value);
                case 'a' -> Json.asciiOnly(Py.repr(r, value));
                default -> throw PyError.value("Unknown conversion specifier '" + conversion + "'");
            };
        }
        String text = FormatSpec.format(r, value, spec);
        return markup && !(value instanceof Values.Markup) ? Values.Markup.escape(text) : text;
    }

    private Object lookup(String path, Args args, int[] auto) {
        int i = 0;
        while (i < path.length() && path.charAt(i) != '.' && path.charAt(i) != '[') {
            i++;
        }
        String first = path.substring(0, i);
        Object value;
        if (first.isEmpty() || first.chars().allMatch(Character::isDigit)) {
            if (first.isEmpty() ? auto[0] < 0 : auto[0] > 0) {
                throw PyError.value("cannot switch between manual and automatic field numbering");
            }
            int index = first.isEmpty() ? auto[0]++ : number(first, 0, first.length(), 0);
            if (!first.isEmpty()) {
                auto[0] = -1;
            }
            if (index >= args.pos().size()) {
                throw PyError.lookup("Replacement index " + index + " out of range for positional args tuple");
            }
            value = args.pos().get(index);
        } else {
            if (!args.kw().containsKey(first)) {
                throw PyError.lookup("'" + first + "'");
            }
            value = args.kw().get(first);
        }
        while (i < path.length()) {
            r.step();
            boolean item = path.charAt(i) == '[';
            int from = i + 1;
            i = from;
            while (i < path.length() && (item ? path.charAt(i) != ']' : path.charAt(i) != '.' && path.charAt(i) != '[')) {
                i++;
            }
            String name = path.substring(from, i);
            if (item) {
                if (i++ >= path.length()) {
                    throw PyError.value("Missing ']' in format string");
                }
                boolean digits = !name.isEmpty() && name.chars().allMatch(Character::isDigit);
                value = Attributes.item(r, value, digits ? (Object) (long) number(name, 0, name.length(), 0) : name);
            } else {
                value = Attributes.attribute(r, value, name);
            }
        }
        return value;
    }

    static int number(String s, int from, int to, int absent) {
        if (from == to) {
            return absent;
        }
        if (to - from > 8) {
            throw PyError.value("Too many decimal digits in format string");
        }
        return checked(Long.parseLong(s.substring(from, to)));
    }

    private static int checked(long width) {
        if (width > MAX_WIDTH) {
            throw TemplateException.limit("format wider than " + MAX_WIDTH);
        }
        return (int) width;
    }
}
