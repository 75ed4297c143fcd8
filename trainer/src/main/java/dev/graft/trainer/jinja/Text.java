package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.List;

/** Strings as Python sees them: sequences of code points, with Python's notion of white space. */
final class Text {
    /** Longest text to search for with String's own method, which may take time proportional to both lengths. */
    private static final int DIRECT = 16;

    private Text() {}

    static int length(String s) {
        return s.codePointCount(0, s.length());
    }

    static boolean isSpace(int c) {
        return c <= 32
                ? c == 32 || (c >= 9 && c <= 13) || (c >= 28 && c <= 31)
                : c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029
                        || c == 0x202F || c == 0x205F || c == 0x3000;
    }

    static boolean isLineBreak(int c) {
        return (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029;
    }

    /** Whether the character would be printed as it is by repr. */
    static boolean isPrintable(int c) {
        if (c == ' ') {
            return true;
        }
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
                    Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SPACE_SEPARATOR -> false;
            default -> true;
        };
    }

    static boolean isWord(int c) {
        return c == '_' || Character.isLetterOrDigit(c) || Character.getType(c) == Character.LETTER_NUMBER
                || Character.getType(c) == Character.OTHER_NUMBER;
    }

    /** Strips white space, or the characters of {@code chars} if not null. */
    static String strip(String s, String chars, boolean left, boolean right) {
        int from = 0;
        int to = s.length();
        java.util.function.IntPredicate strippable = strippable(chars);
        while (left && from < to) {
            int c = s.codePointAt(from);
            if (!strippable.test(c)) {
                break;
            }
            from += Character.charCount(c);
        }
        while (right && to > from) {
            int c = s.codePointBefore(to);
            if (!strippable.test(c)) {
                break;
            }
            to -= Character.charCount(c);
        }
        return s.substring(from, to);
    }

    private static java.util.function.IntPredicate strippable(String chars) {
        if (chars == null) {
            return Text::isSpace;
        }
        if (chars.length() <= 32) {
            return c -> chars.indexOf(c) >= 0;
        }
        java.util.BitSet set = new java.util.BitSet();
        chars.codePoints().forEach(set::set);
        return set::get;
    }

    /** {@link String#indexOf} in linear time. */
    static int find(Render r, String s, String t, int from) {
        if (t.length() <= DIRECT) {
            int found = s.indexOf(t, from);
            r.work((long) ((found < 0 ? s.length() : found) - from) * t.length() >> 5);
            return found;
        }
        r.work(t.length() >> 2);
        int[] fail = failure(t);
        int k = 0;
        for (int i = from; i < s.length(); i++) {
            while (k > 0 && t.charAt(k) != s.charAt(i)) {
                k = fail[k - 1];
            }
            if (t.charAt(k) == s.charAt(i) && ++k == t.length()) {
                r.work((i - from) >> 3);
                return i - k + 1;
            }
        }
        r.work((s.length() - from) >> 3);
        return -1;
    }

    private static int[] failure(String t) {
        int[] fail = new int[t.length()];
        int k = 0;
        for (int i = 1; i < t.length(); i++) {
            while (k > 0 && t.charAt(k) != t.charAt(i)) {
                k = fail[k - 1];
            }
            if (t.charAt(k) == t.charAt(i)) {
                k++;
            }
            fail[i] = k;
        }
        return fail;
    }

    /** The last occurrence of {@code t} that ends at or before {@code end}, or -1. */
    static int findLast(Render r, String s, String t, int end) {
        if (t.length() <= DIRECT) {
            r.work(end * (1L + t.length()) >> 7);
            return t.length() > end ? -1 : s.lastIndexOf(t, end - t.length());
        }
        int reversed = find(r, new StringBuilder(s.substring(0, end)).reverse().toString(),
                new StringBuilder(t).reverse().toString(), 0);
        return reversed < 0 ? -1 : end - reversed - t.length();
    }

    static int count(Render r, String s, String t) {
        if (t.isEmpty()) {
            return length(s) + 1;
        }
        int n = 0;
        for (int i = find(r, s, t, 0); i >= 0; i = find(r, s, t, i + t.length())) {
            n++;
            r.step();
        }
        return n;
    }

    static String replace(Render r, String s, String from, String to, long max) {
        StringBuilder b = new StringBuilder();
        long left = max < 0 ? Long.MAX_VALUE : max;
        int at = 0;
        if (from.isEmpty()) {
            while (left-- > 0) {
                r.allocate(to.length() + 1L);
                b.append(to);
                if (at >= s.length()) {
                    return b.toString();
                }
                int c = s.codePointAt(at);
                b.appendCodePoint(c);
                at += Character.charCount(c);
            }
        } else {
            for (int i; left > 0 && (i = find(r, s, from, at)) >= 0; left--) {
                r.allocate(i - at + (long) to.length() + 1);
                b.append(s, at, i).append(to);
                at = i + from.length();
            }
        }
        r.allocate(s.length() - at);
        return b.append(s, at, s.length()).toString();
    }

    /** Splits at white space (sep null) or at {@code sep}, at most {@code max} times (all if negative). */
    static List<Object> split(Render r, String s, String sep, long max) {
        List<Object> parts = new ArrayList<>();
        long left = max < 0 ? Long.MAX_VALUE : max;
        int at = 0;
        if (sep == null) {
            while (true) {
                while (at < s.length() && isSpace(s.charAt(at))) {
                    at++;
                }
                if (at >= s.length()) {
                    return parts;
                }
                int end = at;
                while (end < s.length() && (left == 0 || !isSpace(s.charAt(end)))) {
                    end++;
                }
                String part = s.substring(at, end);
                add(r, parts, part);
                left--;
                at = end;
            }
        }
        checkSeparator(sep);
        for (int i; left > 0 && (i = find(r, s, sep, at)) >= 0; left--) {
            add(r, parts, s.substring(at, i));
            at = i + sep.length();
        }
        add(r, parts, s.substring(at));
        return parts;
    }

    static List<Object> rsplit(Render r, String s, String sep, long max) {
        List<Object> parts = new ArrayList<>();
        long left = max < 0 ? Long.MAX_VALUE : max;
        int end = s.length();
        if (sep == null) {
            while (true) {
                while (end > 0 && isSpace(s.charAt(end - 1))) {
                    end--;
                }
                if (end == 0) {
                    break;
                }
                int from = end;
                while (from > 0 && (left == 0 || !isSpace(s.charAt(from - 1)))) {
                    from--;
                }
                String part = s.substring(from, end);
                add(r, parts, part);
                left--;
                end = from;
            }
        } else {
            checkSeparator(sep);
            for (int i; left > 0 && (i = findLast(r, s, sep, end)) >= 0; left--) {
                add(r, parts, s.substring(i + sep.length(), end));
                end = i;
            }
            add(r, parts, s.substring(0, end));
        }
        java.util.Collections.reverse(parts);
        return parts;
    }

    private static void checkSeparator(String sep) {
        if (sep.isEmpty()) {
            throw PyError.value("empty separator");
        }
    }

    private static void add(Render r, List<Object> parts, String part) {
        r.allocate(part.length() + 4L + Render.OBJECT);
        parts.add(part);
    }

    static List<Object> lines(Render r, String s, boolean keepEnds) {
        List<Object> lines = new ArrayList<>();
        int at = 0;
        while (at < s.length()) {
            int end = at;
            while (end < s.length() && !isLineBreak(s.charAt(end))) {
                end++;
            }
            int next = Math.min(s.length(), end + 1);
            if (end + 1 < s.length() && s.charAt(end) == '\r' && s.charAt(end + 1) == '\n') {
                next = end + 2;
            }
            add(r, lines, s.substring(at, keepEnds ? next : end));
            at = next;
        }
        return lines;
    }

    /** Compares by code points. */
    static int compare(String a, String b) {
        int n = Math.min(a.length(), b.length());
        for (int i = 0; i < n; i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                boolean sx = Character.isSurrogate(x);
                return sx == Character.isSurrogate(y) ? x - y : sx ? 1 : -1;
            }
        }
        return a.length() - b.length();
    }

    static String repeat(Render r, String s, long times) {
        if (times <= 0 || s.isEmpty()) {
            return "";
        }
        if (times > Integer.MAX_VALUE) {
            r.allocate(Long.MAX_VALUE >> 8);
        }
        r.allocate(s.length() * times);
        return s.repeat((int) times);
    }

    /** Pads to {@code width} characters: {@code left} spaces of the missing ones go before. */
    static String pad(Render r, String s, long width, String fill, char align) {
        long missing = width - length(s);
        if (missing <= 0) {
            return s;
        }
        long left = align == '<' ? 0 : align == '>' ? missing : missing / 2;
        return repeat(r, fill, left) + s + repeat(r, fill, missing - left);
    }
}
