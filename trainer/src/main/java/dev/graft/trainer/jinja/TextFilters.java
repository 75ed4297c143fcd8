package dev.graft.trainer.jinja;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The filters that make text. */
final class TextFilters {
    private TextFilters() {}

    static void register(Map<String, Filters.Filter> all) {
        for (String name : List.of("upper", "lower", "capitalize")) {
            all.put(name, (r, v, a) -> {
                a.bind(name, 0);
                return StrMethods.call(r, soft(r, v), name, Args.NONE);
            });
        }
        all.put("string", (r, v, a) -> soft(r, v));
        all.put("title", (r, v, a) -> title(r, Py.str(r, v)));
        all.put("trim", (r, v, a) -> {
            Object chars = a.bind("trim", 0, "chars")[0];
            return StrMethods.call(r, soft(r, v), "strip", chars == Args.ABSENT ? Args.NONE : Args.of(chars));
        });
        all.put("center", (r, v, a) -> StrMethods.call(r, soft(r, v), "center",
                Args.of(Filters.number(a.bind("center", 0, "width")[0], 80))));
        all.put("replace", (r, v, a) -> {
            Object[] x = a.bind("replace", 2, "old", "new", "count");
            long count = x[2] == null ? -1 : Filters.number(x[2], -1);
            return Text.replace(r, Py.str(r, v), Py.str(r, x[0]), Py.str(r, x[1]), count);
        });
        all.put("safe", (r, v, a) -> new Values.Markup(Py.str(r, v)));
        all.put("escape", (r, v, a) -> new Values.Markup(Values.Markup.escape(r, v)));
        all.put("e", all.get("escape"));
        all.put("forceescape", (r, v, a) -> new Values.Markup(r.made(Values.Markup.escape(Py.str(r, v)))));
        all.put("format", TextFilters::format);
        all.put("indent", TextFilters::indent);
        all.put("truncate", TextFilters::truncate);
        all.put("wordcount", (r, v, a) -> wordCount(r, Py.str(r, v)));
        all.put("wordwrap", TextFilters::wordWrap);
        all.put("striptags", (r, v, a) -> stripTags(r, Py.str(r, v)));
        all.put("urlencode", (r, v, a) -> urlEncode(r, v));
        all.put("urlize", (r, v, a) -> Urlize.apply(r, v, a));
        all.put("xmlattr", TextFilters::xmlAttr);
        all.put("filesizeformat", TextFilters::fileSize);
        all.put("pprint", (r, v, a) -> PrettyPrint.format(r, v));
    }

    /** The value if it is a string, or else its text. */
    static Object soft(Render r, Object v) {
        return Py.text(v) != null ? v : Py.str(r, v);
    }

    private static String string(Object v, String filter) {
        String s = Py.text(v);
        if (s == null) {
            if (v instanceof Undefined u) {
                throw u.error();
            }
            throw PyError.type(filter + " wants a string, not " + Py.typeName(v));
        }
        return s;
    }

    private static String title(Render r, String s) {
        StringBuilder b = new StringBuilder();
        boolean start = true;
        for (int i = 0; i < s.length(); ) {
            int c = s.codePointAt(i);
            i += Character.charCount(c);
            boolean delimiter = "-({[<".indexOf(c) >= 0 || Text.isSpace(c);
            String one = Character.toString(c);
            b.append(delimiter ? one : start ? one.toUpperCase(Locale.ROOT) : one.toLowerCase(Locale.ROOT));
            start = delimiter;
        }
        return r.made(b.toString());
    }

    private static Object format(Render r, Object v, Args args) {
        if (!args.pos().isEmpty() && !args.kw().isEmpty()) {
            throw PyError.other("can't handle positional and keyword arguments at the same time");
        }
        Object values;
        if (args.kw().isEmpty()) {
            values = PyTuple.of(args.pos());
        } else {
            PyDict d = new PyDict();
            args.kw().forEach((k, x) -> d.put(r, k, x));
            values = d;
        }
        return Py.binary(r, "%", soft(r, v), values);
    }

    private static Object indent(Render r, Object v, Args args) {
        Object[] a = args.bind("indent", 0, "width", "first", "blank");
        String s = string(v, "indent");
        String by = a[0] != Args.ABSENT && Py.text(a[0]) != null ? Py.text(a[0]) : Text.repeat(r, " ", Filters.number(a[0], 4));
        boolean first = Filters.flag(a[1], false);
        boolean blank = Filters.flag(a[2], false);
        StringBuilder b = new StringBuilder();
        boolean head = true;
        for (Object line : Text.lines(r, s + "\n", false)) {
            String text = (String) line;
            boolean indented = head ? first : blank || !text.isEmpty();
            r.allocate(text.length() + 1L + (indented ? by.length() : 0));
            b.append(head ? "" : "\n").append(indented ? by : "").append(text);
            head = false;
        }
        return v instanceof Values.Markup ? new Values.Markup(b.toString()) : b.toString();
    }

    private static Object truncate(Render r, Object v, Args args) {
        Object[] a = args.bind("truncate", 0, "length", "killwords", "end", "leeway");
        long length = Filters.number(a[0], 255);
        String end = a[2] == Args.ABSENT ? "..." : StrMethods.text(a[2]);
        long leeway = a[3] == null ? 5 : Filters.number(a[3], 5);
        if (length < Text.length(end) || leeway < 0) {
            throw PyError.other("expected length >= " + Text.length(end) + " and leeway >= 0");
        }
        if (Py.length(r, v) <= length + leeway) {
            return v;
        }
        String s = string(v, "truncate");
        String cut = s.substring(0, s.offsetByCodePoints(0, (int) (length - Text.length(end))));
        if (!Filters.flag(a[1], false)) {
            int space = cut.lastIndexOf(' ');
            cut = space >= 0 ? cut.substring(0, space) : cut;
        }
        return r.made(cut + end);
    }

    private static Object wordCount(Render r, String s) {
        r.work(s.length() >> 3);
        long n = 0;
        boolean inWord = false;
        for (int i = 0; i < s.length(); ) {
            int c = s.codePointAt(i);
            i += Character.charCount(c);
            boolean word = Text.isWord(c);
            n += word && !inWord ? 1 : 0;
            inWord = word;
        }
        return n;
    }

    private static Object wordWrap(Render r, Object v, Args args) {
        Object[] a = args.bind("wordwrap", 0, "width", "break_long_words", "wrapstring", "break_on_hyphens");
        String separator = a[2] == Args.ABSENT || a[2] == null ? "\n" : StrMethods.text(a[2]);
        long width = Filters.number(a[0], 79);
        List<Object> lines = new ArrayList<>();
        for (Object line : Text.lines(r, string(v, "wordwrap"), false)) {
            List<Object> wrapped = WordWrap.wrap(r, (String) line, width, Filters.flag(a[1], true), Filters.flag(a[3], true));
            lines.add(StrMethods.join(r, separator, wrapped, false));
        }
        return StrMethods.join(r, separator, lines, false);
    }

    private static Object stripTags(Render r, String source) {
        r.work(source.length() >> 3);
        String s = remove(remove(source, "<!--", "-->"), "<", ">");
        StringBuilder b = new StringBuilder();
        for (Object word : Text.split(r, s, null, -1)) {
            b.append(b.length() > 0 ? " " : "").append((String) word);
        }
        String text = b.toString();
        for (String[] e : new String[][] {{"&lt;", "<"}, {"&gt;", ">"}, {"&#34;", "\""}, {"&quot;", "\""}, {"&#39;", "'"}, {"&nbsp;", "\u00a0"}, {"&amp;", "&"}}) {
            text = Text.replace(r, text, e[0], e[1], -1);
        }
        return text;
    }

    private static String remove(String s, String open, String close) {
        StringBuilder b = new StringBuilder();
        int at = 0;
        while (true) {
            int from = s.indexOf(open, at);
            int to = from < 0 ? -1 : s.indexOf(close, from + open.length());
            if (to < 0) {
                return b.append(s, at, s.length()).toString();
            }
            b.append(s, at, from);
            at = to + close.length();
        }
    }

    private static String quote(Render r, Object v, boolean query) {
        byte[] bytes = Py.str(r, v).getBytes(StandardCharsets.UTF_8);
        r.allocate(bytes.length * 3L);
        StringBuilder b = new StringBuilder();
        for (byte x : bytes) {
            char c = (char) (x & 0xff);
            if ((c < 0x80 && Character.isLetterOrDigit(c)) || "_.-~".indexOf(c) >= 0 || (c == '/' && !query)) {
                b.append(c);
            } else if (c == ' ' && query) {
                b.append('+');
            } else {
                b.append('%').append(Character.toUpperCase(Character.forDigit(c >> 4, 16)))
                        .append(Character.toUpperCase(Character.forDigit(c & 15, 16)));
            }
        }
        return b.toString();
    }

    private static Object urlEncode(Render r, Object v) {
        if (Py.text(v) != null || !Py.isIterable(v)) {
            return quote(r, v, false);
        }
        StringBuilder b = new StringBuilder();
        Object items = v instanceof PyDict d ? new PyObjects.DictView(d, PyObjects.DictView.Part.ITEMS) : v;
        for (Iterator<Object> i = Py.iterate(r, items); i.hasNext(); ) {
            List<Object> pair = Py.list(r, i.next());
            if (pair.size() != 2) {
                throw PyError.value("urlencode wants pairs");
            }
            b.append(b.length() > 0 ? "&" : "").append(quote(r, pair.get(0), true)).append('=').append(quote(r, pair.get(1), true));
        }
        return b.toString();
    }

    private static Object xmlAttr(Render r, Object v, Args args) {
        boolean space = Filters.flag(args.bind("xmlattr", 0, "autospace")[0], true);
        if (!(v instanceof PyDict d)) {
            throw PyError.type("xmlattr wants a dict, not " + Py.typeName(v));
        }
        StringBuilder b = new StringBuilder();
        for (PyDict.Entry e : d.entries()) {
            if (e.value() == null || e.value() instanceof Undefined) {
                continue;
            }
            String key = StrMethods.text(e.key());
            if (key.chars().anyMatch(c -> c == '/' || c == '>' || c == '=' || (c < 0x80 && Text.isSpace(c)))) {
                throw PyError.value("Invalid character in attribute name: " + Py.repr(r, key));
            }
            b.append(b.length() > 0 || space ? " " : "").append(Values.Markup.escape(r, e.key())).append("=\"")
                    .append(Values.Markup.escape(r, e.value())).append('"');
        }
        return b.toString();
    }

    private static Object fileSize(Render r, Object v, Args args) {
        boolean binary = Filters.flag(args.bind("filesizeformat", 0, "binary")[0], false);
        double bytes = Casts.toFloat(v);
        double base = binary ? 1024 : 1000;
        if (bytes == 1) {
            return "1 Byte";
        }
        if (bytes < base) {
            return Casts.truncate(bytes) + " Bytes";
        }
        String[] prefixes = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
        double unit = base;
        int i = -1;
        do {
            i++;
            unit *= base;
        } while (bytes >= unit && i < prefixes.length - 1);
        String prefix = binary ? prefixes[i].toUpperCase(Locale.ROOT) + "iB" : prefixes[i] + "B";
        return FormatSpec.format(r, base * bytes / unit, ".1f") + " " + prefix;
    }
}
