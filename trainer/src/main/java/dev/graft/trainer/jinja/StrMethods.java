package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;

/** The methods of Python's str. */
final class StrMethods {
    static final Set<String> NAMES = Set.of("capitalize", "casefold", "center", "count", "encode", "endswith", "expandtabs",
            "find", "format", "format_map", "index", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier",
            "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper", "join", "ljust", "lower", "lstrip",
            "maketrans", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust", "rpartition",
            "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "translate", "upper",
            "zfill");

    private StrMethods() {}

    /** Calls a method of a string; of markup, results are markup again and arguments that enter it are escaped. */
    static Object call(Render r, Object self, String name, Args args) {
        if (self instanceof String s) {
            return call(r, s, name, args, false);
        }
        Args escaped = args;
        if (Set.of("replace", "ljust", "rjust", "center", "strip", "lstrip", "rstrip", "removeprefix").contains(name)) {
            List<Object> pos = new ArrayList<>();
            for (Object o : args.pos()) {
                pos.add(o instanceof String ? Values.Markup.escape(r, o) : o);
            }
            escaped = new Args(pos, args.kw());
        }
        return markup(r, call(r, Py.text(self), name, escaped, true));
    }

    private static Object markup(Render r, Object result) {
        if (result instanceof String s) {
            return new Values.Markup(s);
        }
        if (result instanceof List<?> l) {
            List<Object> all = new ArrayList<>();
            for (Object o : l) {
                r.step();
                all.add(markup(r, o));
            }
            return result instanceof PyTuple ? PyTuple.of(all) : all;
        }
        return result;
    }

    private static Object call(Render r, String s, String name, Args args, boolean markup) {
        r.work(s.length() >> 4);
        switch (name) {
            case "upper":
                return r.made(s.toUpperCase(Locale.ROOT));
            case "lower":
                return r.made(s.toLowerCase(Locale.ROOT));
            case "casefold":
                return r.made(s.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT).replace('ς', 'σ'));
            case "capitalize":
                return r.made(capitalize(s));
            case "title":
                return r.made(title(s));
            case "swapcase":
                return r.made(swapcase(s));
            case "strip", "lstrip", "rstrip":
                Object chars = args.bind(name, 0, "chars")[0];
                return r.made(Text.strip(s, chars == Args.ABSENT || chars == null ? null : text(chars),
                        !name.equals("rstrip"), !name.equals("lstrip")));
            case "split", "rsplit":
                Object[] sp = args.bind(name, 0, "sep", "maxsplit");
                String sep = sp[0] == Args.ABSENT || sp[0] == null ? null : text(sp[0]);
                long max = sp[1] == Args.ABSENT ? -1 : Num.index(sp[1]);
                return name.equals("split") ? Text.split(r, s, sep, max) : Text.rsplit(r, s, sep, max);
            case "splitlines":
                Object keep = args.bind(name, 0, "keepends")[0];
                return Text.lines(r, s, keep != Args.ABSENT && Py.truth(keep));
            case "partition", "rpartition":
                return partition(r, s, text(args.bind(name, 1, "sep")[0]), name.equals("partition"));
            case "join":
                return join(r, s, args.bind(name, 1, "iterable")[0], markup);
            case "replace":
                Object[] rep = args.bind(name, 2, "old", "new", "count");
                return Text.replace(r, s, text(rep[0]), text(rep[1]), rep[2] == Args.ABSENT ? -1 : Num.index(rep[2]));
            case "startswith", "endswith":
                return affix(r, s, args.bind(name, 1, "prefix", "start", "end"), name.equals("startswith"));
            case "removeprefix":
                String prefix = text(args.bind(name, 1, "prefix")[0]);
                return r.made(s.startsWith(prefix) ? s.substring(prefix.length()) : s);
            case "removesuffix":
                String suffix = text(args.bind(name, 1, "suffix")[0]);
                return r.made(s.endsWith(suffix) ? s.substring(0, s.length() - suffix.length()) : s);
            case "find", "index", "rfind", "rindex", "count":
                return search(r, s, name, args.bind(name, 1, "sub", "start", "end"));
            case "center", "ljust", "rjust":
                return pad(r, s, name, args.bind(name, 1, "width", "fillchar"));
            case "zfill":
                return zfill(r, s, Num.index(args.bind(name, 1, "width")[0]));
            case "expandtabs":
                Object tab = args.bind(name, 0, "tabsize")[0];
                return expandTabs(r, s, tab == Args.ABSENT ? 8 : Num.index(tab));
            case "format":
                return r.made(PyFormat.braces(r, s, args, markup));
            case "format_map":
                java.util.Map<String, Object> kw = new java.util.LinkedHashMap<>();
                if (args.bind(name, 1, "mapping")[0] instanceof PyDict d) {
                    d.entries().forEach(e -> kw.put(String.valueOf(e.key()), e.value()));
                }
                return r.made(PyFormat.braces(r, s, new Args(List.of(), kw), markup));
            default:
                if (name.startsWith("is")) {
                    return is(s, name);
                }
                throw PyError.type("str." + name + " is not available in templates");
        }
    }

    static String text(Object v) {
        String s = Py.text(v);
        if (s == null) {
            if (v instanceof Undefined u) {
                throw u.error();
            }
            throw PyError.type("must be str, not " + Py.typeName(v));
        }
        return s;
    }

    static String capitalize(String s) {
        if (s.isEmpty()) {
            return s;
        }
        int n = Character.charCount(s.codePointAt(0));
        return titleCase(s.substring(0, n)) + s.substring(n).toLowerCase(Locale.ROOT);
    }

    private static String titleCase(String character) {
        int c = character.codePointAt(0);
        int t = Character.toTitleCase(c);
        if (t != c) {
            return Character.toString(t);
        }
        String upper = character.toUpperCase(Locale.ROOT);
        return upper.length() > character.length() ? capitalize(upper.substring(0, 1) + upper.substring(1)) : upper;
    }

    private static String title(String s) {
        StringBuilder b = new StringBuilder();
        boolean inWord = false;
        for (int i = 0; i < s.length(); ) {
            int c = s.codePointAt(i);
            String one = Character.toString(c);
            b.append(inWord ? one.toLowerCase(Locale.ROOT) : titleCase(one));
            inWord = isCased(c);
            i += Character.charCount(c);
        }
        return b.toString();
    }

    private static boolean isCased(int c) {
        return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }

    private static String swapcase(String s) {
        StringBuilder b = new StringBuilder();
        s.codePoints().forEach(c -> {
            String one = Character.toString(c);
            b.append(Character.isUpperCase(c) ? one.toLowerCase(Locale.ROOT)
                    : Character.isLowerCase(c) ? one.toUpperCase(Locale.ROOT) : one);
        });
        return b.toString();
    }

    private static PyTuple partition(Render r, String s, String sep, boolean first) {
        if (sep.isEmpty()) {
            throw PyError.value("empty separator");
        }
        int i = first ? Text.find(r, s, sep, 0) : Text.findLast(r, s, sep, s.length());
        r.allocate(s.length() + 12L);
        if (i < 0) {
            return first ? new PyTuple(s, "", "") : new PyTuple("", "", s);
        }
        return new PyTuple(s.substring(0, i), sep, s.substring(i + sep.length()));
    }

    static String join(Render r, String sep, Object iterable, boolean markup) {
        StringBuilder b = new StringBuilder();
        int n = 0;
        for (Iterator<Object> i = Py.iterate(r, iterable); i.hasNext(); n++) {
            Object item = i.next();
            String t = Py.text(item);
            if (t == null) {
                throw PyError.type("sequence item " + n + ": expected str instance, " + Py.typeName(item) + " found");
            }
            if (markup) {
                t = Values.Markup.escape(r, item);
            }
            r.step();
            r.allocate((n > 0 ? sep.length() : 0) + (long) t.length());
            if (n > 0) {
                b.append(sep);
            }
            b.append(t);
        }
        return b.toString();
    }

    /** The part of a string between two optional indices: its bounds in UTF-16 units, or null if empty by error. */
    private static int[] bounds(String s, Object start, Object end) {
        if (isNone(start) && isNone(end)) {
            return new int[] {0, s.length()};
        }
        long n = Text.length(s);
        long from = isNone(start) ? 0 : Num.index(start);
        long to = isNone(end) ? n : Num.index(end);
        from = from < 0 ? Math.max(0, from + n) : from;
        to = Math.min(n, to < 0 ? Math.max(0, to + n) : to);
        if (from > to) {
            return null;
        }
        return new int[] {s.offsetByCodePoints(0, (int) from), s.offsetByCodePoints(0, (int) to)};
    }

    private static boolean isNone(Object v) {
        return v == null || v == Args.ABSENT;
    }

    private static boolean affix(Render r, String s, Object[] a, boolean prefix) {
        int[] at = bounds(s, a[1], a[2]);
        if (at == null) {
            return false;
        }
        String part = s.substring(at[0], at[1]);
        if (a[0] instanceof PyTuple t) {
            for (Object o : t) {
                r.step();
                if (prefix ? part.startsWith(text(o)) : part.endsWith(text(o))) {
                    return true;
                }
            }
            return false;
        }
        if (Py.text(a[0]) == null && !(a[0] instanceof Undefined)) {
            throw PyError.type((prefix ? "startswith" : "endswith") + " first arg must be str or a tuple of str, not "
                    + Py.typeName(a[0]));
        }
        return prefix ? part.startsWith(text(a[0])) : part.endsWith(text(a[0]));
    }

    private static Object search(Render r, String s, String name, Object[] a) {
        String sub = text(a[0]);
        int[] at = bounds(s, a[1], a[2]);
        if (name.equals("count")) {
            return at == null ? 0L : (long) Text.count(r, s.substring(at[0], at[1]), sub);
        }
        int i = -1;
        if (at != null) {
            String part = s.substring(at[0], at[1]);
            i = name.startsWith("r") ? Text.findLast(r, part, sub, part.length()) : Text.find(r, part, sub, 0);
        }
        if (i < 0) {
            if (name.endsWith("index")) {
                throw PyError.value("substring not found");
            }
            return -1L;
        }
        return (long) s.codePointCount(0, at[0] + i);
    }

    private static String pad(Render r, String s, String name, Object[] a) {
        long width = Num.index(a[0]);
        String fill = a[1] == Args.ABSENT ? " " : text(a[1]);
        if (Text.length(fill) != 1) {
            throw PyError.type("The fill character must be exactly one character long");
        }
        long missing = width - Text.length(s);
        if (missing <= 0) {
            return s;
        }
        long left = switch (name) {
            case "ljust" -> 0;
            case "rjust" -> missing;
            default -> missing / 2 + (missing & width & 1);
        };
        return r.made(Text.repeat(r, fill, left) + s + Text.repeat(r, fill, missing - left));
    }

    private static String zfill(Render r, String s, long width) {
        String zeros = Text.repeat(r, "0", width - Text.length(s));
        boolean signed = s.startsWith("+") || s.startsWith("-");
        return r.made(signed ? s.charAt(0) + zeros + s.substring(1) : zeros + s);
    }

    private static String expandTabs(Render r, String s, long size) {
        StringBuilder b = new StringBuilder();
        long column = 0;
        for (int i = 0; i < s.length(); ) {
            int c = s.codePointAt(i);
            i += Character.charCount(c);
            if (c == '\t') {
                long n = size <= 0 ? 0 : size - column % size;
                b.append(Text.repeat(r, " ", n));
                column += n;
            } else {
                b.appendCodePoint(c);
                column = c == '\n' || c == '\r' ? 0 : column + 1;
            }
        }
        return r.made(b.toString());
    }

    private static boolean is(String s, String name) {
        IntPredicate each = switch (name) {
            case "isalnum" -> c -> Character.isLetter(c) || isNumeric(c);
            case "isalpha" -> Character::isLetter;
            case "isascii" -> c -> c < 0x80;
            case "isdecimal" -> Character::isDigit;
            case "isdigit" -> StrMethods::isDigit;
            case "isnumeric" -> StrMethods::isNumeric;
            case "isspace" -> Text::isSpace;
            case "isprintable" -> Text::isPrintable;
            case "isidentifier" -> c -> c == '_' || Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c);
            default -> null;
        };
        if (each != null) {
            boolean whenEmpty = name.equals("isascii") || name.equals("isprintable");
            boolean start = !name.equals("isidentifier") || (!s.isEmpty()
                    && (s.charAt(0) == '_' || Character.isUnicodeIdentifierStart(s.codePointAt(0))));
            return start && (s.isEmpty() ? whenEmpty : s.codePoints().allMatch(each));
        }
        boolean cased = false;
        boolean previous = false;
        for (int i = 0; i < s.length(); ) {
            int c = s.codePointAt(i);
            i += Character.charCount(c);
            boolean upper = Character.isUpperCase(c) || Character.isTitleCase(c);
            boolean lower = Character.isLowerCase(c);
            if (name.equals("istitle") ? (upper && previous) || (lower && !previous) : name.equals("islower") ? upper : lower) {
                return false;
            }
            previous = upper || lower;
            cased |= previous;
        }
        return cased;
    }

    private static boolean isDigit(int c) {
        return Character.isDigit(c) || (c >= 0x2460 && c <= 0x2468) || (c >= 0x2070 && c <= 0x2079 && c != 0x2071 && c != 0x2072 && c != 0x2073)
                || (c >= 0x2080 && c <= 0x2089) || c == 0xB2 || c == 0xB3 || c == 0xB9;
    }

    private static boolean isNumeric(int c) {
        int type = Character.getType(c);
        return Character.isDigit(c) || type == Character.OTHER_NUMBER || type == Character.LETTER_NUMBER;
    }
}
