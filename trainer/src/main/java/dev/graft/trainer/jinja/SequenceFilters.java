package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** The filters on sequences and dicts. */
final class SequenceFilters {
    private SequenceFilters() {}

    static void register(Map<String, Filters.Filter> all) {
        all.put("length", (r, v, a) -> Py.length(r, v));
        all.put("count", all.get("length"));
        all.put("list", (r, v, a) -> Py.list(r, v));
        all.put("first", (r, v, a) -> first(Py.iterate(r, v), "No first item, sequence was empty."));
        all.put("last", (r, v, a) -> first(Py.iterate(r, reversed(r, v)), "No last item, sequence was empty."));
        all.put("random", SequenceFilters::random);
        all.put("reverse", SequenceFilters::reverse);
        all.put("join", SequenceFilters::join);
        all.put("items", SequenceFilters::items);
        all.put("dictsort", SequenceFilters::dictSort);
        all.put("sort", SequenceFilters::sort);
        all.put("unique", SequenceFilters::unique);
        all.put("min", (r, v, a) -> extreme(r, v, a, false));
        all.put("max", (r, v, a) -> extreme(r, v, a, true));
        all.put("sum", SequenceFilters::sum);
        all.put("map", SequenceFilters::map);
        all.put("select", (r, v, a) -> select(r, v, a, false, true));
        all.put("reject", (r, v, a) -> select(r, v, a, false, false));
        all.put("selectattr", (r, v, a) -> select(r, v, a, true, true));
        all.put("rejectattr", (r, v, a) -> select(r, v, a, true, false));
        all.put("groupby", SequenceFilters::groupBy);
        all.put("batch", SequenceFilters::batch);
        all.put("slice", SequenceFilters::slice);
    }

    private static Object first(Iterator<Object> items, String hint) {
        return items.hasNext() ? items.next() : Undefined.hint(hint);
    }

    /** A generator; as in Python, nothing of it runs, or fails, before its first item is asked for. */
    private static PyObjects.Generator generator(Supplier<Supplier<Object[]>> start) {
        List<Supplier<Object[]>> started = new ArrayList<>(1);
        return new PyObjects.Generator("generator", new Lookahead(() -> {
            if (started.isEmpty()) {
                started.add(() -> null);
                started.set(0, start.get());
            }
            return started.get(0).get();
        }));
    }

    /** Python's {@code reversed()}. */
    private static Object reversed(Render r, Object v) {
        if (Py.text(v) == null && !(v instanceof List) && !(v instanceof PyDict) && !(v instanceof Undefined) && !(v instanceof PyObjects.Range)
                && !(v instanceof PyObjects.DictView)) {
            throw PyError.type("'" + Py.typeName(v) + "' object is not reversible");
        }
        List<Object> list = Py.list(r, v);
        Collections.reverse(list);
        return new PyObjects.Generator("list_reverseiterator", list.iterator());
    }

    private static Object reverse(Render r, Object v, Args args) {
        args.bind("reverse", 0);
        if (Py.text(v) != null) {
            return Slices.slice(r, v, null, null, -1L);
        }
        try {
            return reversed(r, v);
        } catch (PyError e) {
            List<Object> list = Py.list(r, v);
            Collections.reverse(list);
            return list;
        }
    }

    private static Object random(Render r, Object v, Args args) {
        long n = Py.length(r, v);
        if (n == 0) {
            return Undefined.hint("No random item, sequence was empty.");
        }
        return Attributes.item(r, v, java.util.concurrent.ThreadLocalRandom.current().nextLong(n));
    }

    private static Object join(Render r, Object v, Args args) {
        Object[] a = args.bind("join", 0, "d", "attribute");
        UnaryOperator<Object> get = a[1] == Args.ABSENT || a[1] == null ? x -> x : getter(r, a[1], null);
        String sep = a[0] == Args.ABSENT ? "" : Py.str(r, a[0]);
        StringBuilder b = new StringBuilder();
        boolean first = true;
        for (Iterator<Object> i = Py.iterate(r, v); i.hasNext(); ) {
            r.step();
            String piece = Py.str(r, get.apply(i.next()));
            r.allocate(piece.length() + (first ? 0L : sep.length()));
            b.append(first ? "" : sep).append(piece);
            first = false;
        }
        return b.toString();
    }

    private static Object items(Render r, Object v, Args args) {
        args.bind("items", 0);
        return generator(() -> {
            if (!(v instanceof Undefined) && !(v instanceof PyDict)) {
                throw PyError.type("Can only get item pairs from a mapping.");
            }
            PyDict dict = v instanceof PyDict d ? d : new PyDict();
            Iterator<Object> all = new PyObjects.DictView(dict, PyObjects.DictView.Part.ITEMS).iterate(r);
            return () -> all.hasNext() ? new Object[] {all.next()} : null;
        });
    }

    /** An attribute of an item, by a path such as {@code a.b.0}; {@code fallback} (if not null) replaces undefined ones. */
    static UnaryOperator<Object> getter(Render r, Object path, Object fallback) {
        List<Object> keys = path(r, path);
        return item -> {
            Object v = item;
            for (Object key : keys) {
                r.step();
                v = Attributes.item(r, v, key);
                if (v instanceof Undefined && fallback != null) {
                    v = fallback;
                }
            }
            return v;
        };
    }

    private static List<Object> path(Render r, Object path) {
        String s = Py.text(path);
        if (s == null) {
            return path == null || path == Args.ABSENT ? List.of() : List.of(path);
        }
        List<Object> keys = new ArrayList<>();
        for (Object part : Text.split(r, s, ".", -1)) {
            String text = (String) part;
            boolean digits = !text.isEmpty() && text.chars().allMatch(Character::isDigit);
            keys.add(digits ? Casts.parseInt(text, 10) : text);
        }
        return keys;
    }

    private static Object ignoreCase(Render r, Object v) {
        return Py.text(v) != null ? StrMethods.call(r, v, "lower", Args.NONE) : v;
    }

    private static UnaryOperator<Object> folded(Render r, boolean caseSensitive, UnaryOperator<Object> key) {
        return caseSensitive ? key : x -> ignoreCase(r, key.apply(x));
    }

    private static Object dictSort(Render r, Object v, Args args) {
        Object[] a = args.bind("dictsort", 0, "case_sensitive", "by", "reverse");
        String by = a[1] == Args.ABSENT ? "key" : Py.str(r, a[1]);
        if (!by.equals("key") && !by.equals("value")) {
            throw PyError.other("You can only sort by either \"key\" or \"value\"");
        }
        if (!(v instanceof PyDict d)) {
            if (v instanceof Undefined u) {
                throw u.error();
            }
            throw PyError.type("'" + Py.typeName(v) + "' object has no attribute 'items'");
        }
        List<Object> pairs = Py.list(r, new PyObjects.DictView(d, PyObjects.DictView.Part.ITEMS));
        int at = by.equals("key") ? 0 : 1;
        UnaryOperator<Object> key = folded(r, Filters.flag(a[0], false), x -> ((PyTuple) x).get(at));
        return Py.sorted(r, pairs, key, Filters.flag(a[2], false));
    }

    private static Object sort(Render r, Object v, Args args) {
        Object[] a = args.bind("sort", 0, "reverse", "case_sensitive", "attribute");
        boolean sensitive = Filters.flag(a[1], false);
        List<UnaryOperator<Object>> getters = new ArrayList<>();
        String paths = a[2] == Args.ABSENT ? null : Py.text(a[2]);
        for (Object path : paths == null ? Collections.singletonList(a[2]) : Text.split(r, paths, ",", -1)) {
            getters.add(folded(r, sensitive, getter(r, path, null)));
        }
        UnaryOperator<Object> key = item -> {
            Object[] values = new Object[getters.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = getters.get(i).apply(item);
            }
            return values.length == 1 ? values[0] : new PyTuple(values);
        };
        return Py.sorted(r, Py.list(r, v), key, Filters.flag(a[0], false));
    }

    private static Object unique(Render r, Object v, Args args) {
        Object[] a = args.bind("unique", 0, "case_sensitive", "attribute");
        return generator(() -> {
            UnaryOperator<Object> key = folded(r, Filters.flag(a[0], false), getter(r, a[1], null));
            Set<Object> seen = new HashSet<>();
            Iterator<Object> all = Py.iterate(r, v);
            return () -> {
                while (all.hasNext()) {
                    r.step();
                    Object item = all.next();
                    if (seen.add(PyDict.hashKey(r, key.apply(item)))) {
                        r.allocate(4);
                        return new Object[] {item};
                    }
                }
                return null;
            };
        });
    }

    private static Object extreme(Render r, Object v, Args args, boolean max) {
        Object[] a = args.bind(max ? "max" : "min", 0, "case_sensitive", "attribute");
        UnaryOperator<Object> key = folded(r, Filters.flag(a[0], false), getter(r, a[1], null));
        Iterator<Object> all = Py.iterate(r, v);
        if (!all.hasNext()) {
            return Undefined.hint("No aggregated item, sequence was empty.");
        }
        Object best = all.next();
        Object bestKey = key.apply(best);
        while (all.hasNext()) {
            r.step();
            Object item = all.next();
            Object k = key.apply(item);
            if (Py.ordered(r, max ? ">" : "<", k, bestKey)) {
                best = item;
                bestKey = k;
            }
        }
        return best;
    }

    private static Object sum(Render r, Object v, Args args) {
        Object[] a = args.bind("sum", 0, "attribute", "start");
        UnaryOperator<Object> get = a[0] == Args.ABSENT || a[0] == null ? x -> x : getter(r, a[0], null);
        Object total = a[1] == Args.ABSENT ? 0L : a[1];
        if (Py.text(total) != null) {
            throw PyError.type("sum() can't sum strings [use ''.join(seq) instead]");
        }
        for (Iterator<Object> i = Py.iterate(r, v); i.hasNext(); ) {
            r.step();
            total = Py.binary(r, "+", total, get.apply(i.next()));
        }
        return total;
    }

    private static Object map(Render r, Object v, Args args) {
        return generator(() -> {
            if (!Py.truth(v)) {
                return () -> null;
            }
            UnaryOperator<Object> function = mapped(r, args);
            Iterator<Object> all = Py.iterate(r, v);
            return () -> {
                if (!all.hasNext()) {
                    return null;
                }
                r.step();
                return new Object[] {function.apply(all.next())};
            };
        });
    }

    private static UnaryOperator<Object> mapped(Render r, Args args) {
        if (args.pos().isEmpty() && args.kw().containsKey("attribute")) {
            Map<String, Object> kw = args.keywords();
            Object attribute = kw.remove("attribute");
            Object fallback = kw.remove("default");
            if (!kw.isEmpty()) {
                throw PyError.other("Unexpected keyword argument '" + kw.keySet().iterator().next() + "'");
            }
            return getter(r, attribute, fallback);
        }
        if (args.pos().isEmpty()) {
            throw PyError.other("map requires a filter argument");
        }
        String name = Py.str(r, args.pos().get(0));
        Args rest = args.drop(1);
        return item -> Filters.apply(r, name, item, rest);
    }

    private static Object select(Render r, Object v, Args args, boolean byAttribute, boolean keep) {
        return generator(() -> Py.truth(v) ? selected(r, v, args, byAttribute, keep) : () -> null);
    }

    private static Supplier<Object[]> selected(Render r, Object v, Args args, boolean byAttribute, boolean keep) {
        int off = byAttribute ? 1 : 0;
        if (byAttribute && args.pos().isEmpty()) {
            throw PyError.other("Missing parameter for attribute name");
        }
        UnaryOperator<Object> get = byAttribute ? getter(r, args.pos().get(0), null) : x -> x;
        boolean named = args.pos().size() > off;
        String name = named ? Py.str(r, args.pos().get(off)) : null;
        Args rest = named ? args.drop(off + 1) : Args.NONE;
        Iterator<Object> all = Py.iterate(r, v);
        return () -> {
            while (all.hasNext()) {
                r.step();
                Object item = all.next();
                Object x = get.apply(item);
                if ((named ? Tests.test(r, name, x, rest) : Py.truth(x)) == keep) {
                    return new Object[] {item};
                }
            }
            return null;
        };
    }

    private static Object groupBy(Render r, Object v, Args args) {
        Object[] a = args.bind("groupby", 1, "attribute", "default", "case_sensitive");
        UnaryOperator<Object> raw = getter(r, a[0], a[1] == Args.ABSENT ? null : a[1]);
        UnaryOperator<Object> key = folded(r, Filters.flag(a[2], false), raw);
        List<Object> groups = new ArrayList<>();
        List<Object> members = null;
        Object current = null;
        for (Object item : Py.sorted(r, Py.list(r, v), key, false)) {
            Object k = key.apply(item);
            if (members == null || !Py.eq(r, k, current)) {
                members = new ArrayList<>();
                current = k;
                r.allocate(2L * Render.OBJECT);
                groups.add(new PyTuple.Group(raw.apply(item), members));
            }
            r.allocate(4);
            members.add(item);
        }
        return groups;
    }

    private static Object batch(Render r, Object v, Args args) {
        Object[] a = args.bind("batch", 1, "linecount", "fill_with");
        Object fill = a[1] == Args.ABSENT ? null : a[1];
        return generator(() -> batches(r, Py.iterate(r, v), Num.index(a[0]), fill));
    }

    private static Supplier<Object[]> batches(Render r, Iterator<Object> all, long size, Object fill) {
        return () -> {
            List<Object> row = new ArrayList<>();
            while (all.hasNext() && (row.isEmpty() || row.size() != size)) {
                r.allocate(4);
                row.add(all.next());
            }
            if (row.isEmpty()) {
                return null;
            }
            r.allocate(Render.OBJECT + (fill == null ? 0 : 4 * Math.max(0, Math.min(size, Integer.MAX_VALUE) - row.size())));
            while (fill != null && row.size() < size) {
                row.add(fill);
            }
            return new Object[] {row};
        };
    }

    private static Object slice(Render r, Object v, Args args) {
        Object[] a = args.bind("slice", 1, "slices", "fill_with");
        Object fill = a[1] == Args.ABSENT ? null : a[1];
        return generator(() -> slices(r, Py.list(r, v), Num.index(a[0]), fill));
    }

    private static Supplier<Object[]> slices(Render r, List<Object> all, long slices, Object fill) {
        if (slices == 0) {
            throw new PyError(PyError.Type.ZERO_DIVISION, "integer division or modulo by zero");
        }
        long size = Math.floorDiv(all.size(), slices);
        long larger = Math.floorMod(all.size(), slices);
        long[] at = new long[2];
        return () -> {
            if (at[0] >= slices) {
                return null;
            }
            long number = at[0]++;
            long end = at[1] + size + (number < larger ? 1 : 0);
            r.allocate(4 * (end - at[1]) + Render.OBJECT);
            List<Object> part = new ArrayList<>(all.subList((int) at[1], (int) end));
            at[1] = end;
            if (fill != null && number >= larger) {
                part.add(fill);
            }
            return new Object[] {part};
        };
    }
}
