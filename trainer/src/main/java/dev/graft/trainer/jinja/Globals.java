package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The global functions. */
final class Globals {
    private static final Map<String, PyObjects.Function> FUNCTIONS = Map.of(
            "range", function("range", Globals::range),
            "dict", function("dict", Globals::dict),
            "namespace", function("namespace", Globals::namespace),
            "cycler", function("cycler", Globals::cycler),
            "joiner", function("joiner", Globals::joiner),
            "lipsum", function("lipsum", Globals::lipsum),
            "raise_exception", function("raise_exception", Globals::raise),
            "strftime_now", function("strftime_now", Globals::now));

    private Globals() {}

    private static PyObjects.Function function(String name, PyObjects.Callable body) {
        return new PyObjects.Function(name, body);
    }

    static PyObjects.Function get(String name) {
        return FUNCTIONS.get(name);
    }

    private static Object range(Render r, Args args) {
        Object[] a = args.bind("range", 1, "start", "stop", "step");
        boolean one = a[1] == Args.ABSENT;
        long start = one ? 0 : bound(a[0]);
        long stop = one ? bound(a[0]) : bound(a[1]);
        long step = a[2] == Args.ABSENT ? 1 : bound(a[2]);
        if (step == 0) {
            throw PyError.value("range() arg 3 must not be zero");
        }
        PyObjects.Range range = new PyObjects.Range(start, stop, step);
        if (range.length() > r.options.maxRange()) {
            throw TemplateException.limit("Range too big. The sandbox blocks ranges larger than " + r.options.maxRange() + ".");
        }
        return range;
    }

    private static long bound(Object v) {
        long i = Num.index(v);
        return Math.max(Long.MIN_VALUE / 4, Math.min(Long.MAX_VALUE / 4, i));
    }

    private static Object dict(Render r, Args args) {
        PyDict d = new PyDict();
        fill(r, d, args, "dict");
        return d;
    }

    /** Fills a dict as Python's {@code dict(*args, **kwargs)} does. */
    private static void fill(Render r, PyDict d, Args args, String function) {
        if (args.pos().size() > 1) {
            throw PyError.type(function + " expected at most 1 argument, got " + args.pos().size());
        }
        for (Object source : args.pos()) {
            if (source instanceof PyDict other) {
                r.allocate((long) Render.OBJECT * (other.size() + 1));
                other.entries().forEach(e -> d.put(r, e.key(), e.value()));
                continue;
            }
            for (Object item : Py.list(r, source)) {
                List<Object> pair = Py.list(r, item);
                if (pair.size() != 2) {
                    throw PyError.value("dictionary update sequence element has length " + pair.size() + "; 2 is required");
                }
                d.put(r, pair.get(0), pair.get(1));
            }
        }
        args.kw().forEach((k, v) -> d.put(r, k, v));
    }

    private static Object namespace(Render r, Args args) {
        PyDict d = new PyDict();
        fill(r, d, args, "namespace");
        Namespace n = new Namespace();
        for (PyDict.Entry e : d.entries()) {
            n.attributes.put(Py.str(r, e.key()), e.value());
        }
        return n;
    }

    private static Object cycler(Render r, Args args) {
        if (args.pos().isEmpty()) {
            throw PyError.other("at least one item has to be provided");
        }
        return new PyObjects.Cycler(new ArrayList<>(args.pos()));
    }

    private static Object joiner(Render r, Args args) {
        Object sep = args.bind("joiner", 0, "sep")[0];
        boolean[] used = new boolean[1];
        return function("joiner", (rr, a) -> {
            Object result = !used[0] ? "" : sep == Args.ABSENT ? ", " : sep;
            used[0] = true;
            return result;
        });
    }

    private static Object lipsum(Render r, Args args) {
        Object[] a = args.bind("lipsum", 0, "n", "html", "min", "max");
        boolean html = a[1] == Args.ABSENT || Py.truth(a[1]);
        long n = a[0] == Args.ABSENT ? 5 : Num.index(a[0]);
        StringBuilder b = new StringBuilder();
        for (long i = 0; i < n; i++) {
            r.allocate(200);
            b.append(i > 0 ? html ? "\n" : "\n\n" : "").append(html ? "<p>" : "");
            b.append("Lorem ipsum dolor sit amet, consectetuer adipiscing elit.").append(html ? "</p>" : "");
        }
        return html ? new Values.Markup(b.toString()) : b.toString();
    }

    private static Object raise(Render r, Args args) {
        throw TemplateException.raised(Py.str(r, args.bind("raise_exception", 1, "message")[0]));
    }

    private static Object now(Render r, Args args) {
        return r.made(Strftime.format(r, StrMethods.text(args.bind("strftime_now", 1, "format")[0])));
    }
}
