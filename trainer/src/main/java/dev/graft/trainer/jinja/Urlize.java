package dev.graft.trainer.jinja;

import java.util.Iterator;
import java.util.TreeSet;

/** The filter {@code urlize}: makes links of what looks like a URL or an address in a text. */
final class Urlize {
    private Urlize() {}

    static String apply(Render r, Object value, Args args) {
        Object[] a = args.bind("urlize", 0, "trim_url_limit", "nofollow", "target", "rel", "extra_schemes");
        TreeSet<String> rels = new TreeSet<>();
        if (isGiven(a[3])) {
            Text.split(r, StrMethods.text(a[3]), null, -1).forEach(o -> rels.add((String) o));
        }
        if (Filters.flag(a[1], false)) {
            rels.add("nofollow");
        }
        rels.add("noopener");
        String attributes = " rel=\"" + Values.Markup.escape(String.join(" ", rels)) + "\""
                + (isGiven(a[2]) ? " target=\"" + Values.Markup.escape(StrMethods.text(a[2])) + "\"" : "");
        long limit = isGiven(a[0]) ? Num.index(a[0]) : Long.MAX_VALUE;
        TreeSet<String> schemes = new TreeSet<>();
        if (isGiven(a[4])) {
            for (Iterator<Object> i = Py.iterate(r, a[4]); i.hasNext(); ) {
                schemes.add(StrMethods.text(i.next()));
            }
        }
        String text = Values.Markup.escape(r, value);
        StringBuilder b = new StringBuilder();
        int at = 0;
        while (at < text.length()) {
            int end = at;
            boolean space = Text.isSpace(text.charAt(at));
            while (end < text.length() && Text.isSpace(text.charAt(end)) == space) {
                end++;
            }
            String word = text.substring(at, end);
            String piece = space ? word : word(r, word, attributes, limit, schemes);
            r.allocate(piece.length());
            b.append(piece);
            at = end;
        }
        return b.toString();
    }

    private static boolean isGiven(Object v) {
        return v != Args.ABSENT && v != null;
    }

    private static String word(Render r, String word, String attributes, long limit, TreeSet<String> schemes) {
        r.work(word.length());
        int from = 0;
        int to = word.length();
        for (int n; (n = opening(word, from)) > 0; ) {
            from += n;
        }
        for (int n; to > from && (n = closing(word, from, to)) > 0; ) {
            to -= n;
        }
        for (String[] pair : new String[][] {{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}}) {
            String middle = word.substring(from, to);
            int missing = Text.count(r, middle, pair[0]) - Text.count(r, middle, pair[1]);
            int available = missing <= 0 ? 0 : Math.min(Text.count(r, middle, pair[0]), Text.count(r, word.substring(to), pair[1]));
            for (; available > 0; available--) {
                to = word.indexOf(pair[1], to) + pair[1].length();
            }
        }
        return word.substring(0, from) + link(word.substring(from, to), attributes, limit, schemes) + word.substring(to);
    }

    private static int opening(String s, int at) {
        return s.startsWith("&lt;", at) ? 4 : s.startsWith("(", at) || s.startsWith("<", at) ? 1 : 0;
    }

    private static int closing(String s, int from, int to) {
        if (to - from >= 4 && s.startsWith("&gt;", to - 4)) {
            return 4;
        }
        return ")>.,\n".indexOf(s.charAt(to - 1)) >= 0 ? 1 : 0;
    }

    private static String link(String s, String attributes, long limit, TreeSet<String> schemes) {
        String shown = Text.length(s) > limit ? s.substring(0, s.offsetByCodePoints(0, (int) Math.max(0, limit))) + "..." : s;
        boolean http = s.startsWith("http://") || s.startsWith("https://");
        if (http || s.startsWith("www.") || looksLikeHost(s)) {
            if (isUrl(s)) {
                return "<a href=\"" + (http ? "" : "https://") + s + "\"" + attributes + ">" + shown + "</a>";
            }
        }
        if (s.startsWith("mailto:") && isEmail(s.substring(7))) {
            return "<a href=\"" + s + "\">" + s.substring(7) + "</a>";
        }
        if (s.indexOf('@') > 0 && !s.startsWith("www.") && s.indexOf(':') < 0 && isEmail(s)) {
            return "<a href=\"mailto:" + s + "\">" + s + "</a>";
        }
        for (String scheme : schemes) {
            if (!s.equals(scheme) && s.startsWith(scheme)) {
                return "<a href=\"" + s + "\"" + attributes + ">" + s + "</a>";
            }
        }
        return s;
    }

    private static boolean looksLikeHost(String s) {
        int end = hostEnd(s, 0);
        String host = s.substring(0, end).toLowerCase(java.util.Locale.ROOT);
        return host.endsWith(".com") || host.endsWith(".net") || host.endsWith(".org") || host.endsWith(".int")
                || host.endsWith(".edu") || host.endsWith(".gov") || host.endsWith(".mil") || host.endsWith(".info");
    }

    private static int hostEnd(String s, int from) {
        int end = from;
        while (end < s.length() && (Text.isWord(s.charAt(end)) || ".-%".indexOf(s.charAt(end)) >= 0)) {
            end++;
        }
        return end;
    }

    private static boolean isUrl(String s) {
        int from = s.startsWith("https://") ? 8 : s.startsWith("http://") ? 7 : s.startsWith("www.") ? 4 : 0;
        int end = hostEnd(s, from);
        if (end == from || (from <= 4 && s.indexOf('.', from) < 0)) {
            return s.startsWith("http") && s.startsWith("[", from);
        }
        return end == s.length() || ":/?#".indexOf(s.charAt(end)) >= 0;
    }

    private static boolean isEmail(String s) {
        int at = s.indexOf('@');
        int dot = s.lastIndexOf('.');
        if (at <= 0 || dot <= at + 1 || dot == s.length() - 1 || s.indexOf('@', at + 1) >= 0) {
            return false;
        }
        return s.chars().limit(at).noneMatch(Text::isSpace) && Text.isWord(s.charAt(at + 1))
                && s.chars().skip(at + 1).limit(dot - at - 1).allMatch(c -> Text.isWord(c) || c == '.' || c == '-')
                && s.chars().skip(dot + 1).allMatch(Text::isWord);
    }
}
