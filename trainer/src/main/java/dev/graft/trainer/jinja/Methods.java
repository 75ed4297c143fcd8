package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Methods and attributes of lists, tuples, dicts, numbers and template objects. */
final class Methods {
    static final Set<String> LIST = Set.of("count", "index", "copy", "pop", "clear");
    static final Set<String> DICT = Set.of("keys", "values", "items", "get", "copy", "fromkeys");

    private Methods() {}

    static Object list(Render r, List<?> list, String name, Args args) {
        switch (name) {
            case "count":
                Object wanted = args.bind(name, 1, "value")[0];
                long n = 0;
                for (Object o : list) {
                    r.step();
                    n += o == wanted || Py.eq(r, o, wanted) ? 1 : 0;
                }
                return n;
            case "index":
                Object[] a = args.bind(name, 1, "value", "start", "stop");
                long from = bound(a[1], list.size(), 0);
                long to = bound(a[2], list.size(), list.size());
                for (long i = from; i < to; i++) {
                    r.step();
                    Object o = list.get((int) i);
                    if (o == a[0] || Py.eq(r, o, a[0])) {
                        return i;
                    }
                }
                throw PyError.value(Py.repr(r, a[0]) + " is not in list");
            case "copy":
                r.allocate(4L * list.size() + Render.OBJECT);
                return new ArrayList<Object>(list);
            case "pop":
                Object at = args.bind(name, 0, "index")[0];
                long i = at == Args.ABSENT ? -1 : Num.index(at);
                i = i < 0 ? i + list.size() : i;
                if (i < 0 || i >= list.size()) {
                    throw PyError.lookup(list.isEmpty() ? "pop from empty list" : "pop index out of range");
                }
                r.work(list.size() >> 5);
                return list.remove((int) i);
            default:
                list.clear();
                return null;
        }
    }

    private static long bound(Object v, int size, int absent) {
        if (v == Args.ABSENT) {
            return absent;
        }
        long i = Num.index(v);
        return Math.max(0, Math.min(size, i < 0 ? i + size : i));
    }

    static Object dict(Render r, PyDict dict, String name, Args args) {
        switch (name) {
            case "get":
                Object[] a = args.bind(name, 1, "key", "default");
                PyDict.Entry e = dict.entry(r, a[0]);
                return e != null ? e.value() : a[1] == Args.ABSENT ? null : a[1];
            case "keys":
                args.bind(name, 0);
                return new PyObjects.DictView(dict, PyObjects.DictView.Part.KEYS);
            case "values":
                args.bind(name, 0);
                return new PyObjects.DictView(dict, PyObjects.DictView.Part.VALUES);
            case "items":
                args.bind(name, 0);
                return new PyObjects.DictView(dict, PyObjects.DictView.Part.ITEMS);
            case "copy":
                r.allocate((long) Render.OBJECT * (dict.size() + 1));
                return new PyDict(dict);
            default:
                Object[] f = args.bind(name, 1, "iterable", "value");
                PyDict made = new PyDict();
                for (Object key : Py.list(r, f[0])) {
                    r.allocate(Render.OBJECT);
                    made.put(r, key, f[1] == Args.ABSENT ? null : f[1]);
                }
                return made;
        }
    }

    static Object number(Object n, String name) {
        boolean real = n instanceof Double;
        switch (name) {
            case "real", "numerator":
                return real && name.equals("numerator") ? null : Num.of(n);
            case "imag":
                return real ? (Object) 0.0 : 0L;
            case "denominator":
                return real ? null : 1L;
            case "conjugate":
                return Attributes.method(name, (r, a) -> Num.of(n));
            case "bit_length":
                return real ? null : Attributes.method(name, (r, a) -> (long) Num.big(Num.of(n)).abs().bitLength());
            case "bit_count":
                return real ? null : Attributes.method(name, (r, a) -> (long) Num.big(Num.of(n)).abs().bitCount());
            case "is_integer":
                return real ? Attributes.method(name, (r, a) -> (Double) n == Math.rint((Double) n) && !Double.isInfinite((Double) n)) : null;
            case "as_integer_ratio":
                return real ? null : Attributes.method(name, (r, a) -> new PyTuple(Num.of(n), 1L));
            default:
                return null;
        }
    }

    static Object object(Render r, Object obj, String name) {
        if (obj instanceof LoopContext loop) {
            return loop.attribute(r, name);
        }
        if (obj instanceof Macro macro) {
            return macro.attribute(name);
        }
        if (obj instanceof PyObjects.Cycler cycler) {
            return switch (name) {
                case "next" -> Attributes.method(name, (rr, a) -> cycler.next());
                case "reset" -> Attributes.method(name, (rr, a) -> {
                    cycler.pos = 0;
                    return null;
                });
                case "current" -> wrap(cycler.items.get(cycler.pos));
                case "pos" -> (long) cycler.pos;
                case "items" -> PyTuple.of(cycler.items);
                default -> null;
            };
        }
        if (obj instanceof PyObjects.BlockSelf self && self.blocks().containsKey(name)) {
            return Attributes.method(name, (rr, a) -> self.blocks().get(name).render(rr));
        }
        if (obj instanceof PyObjects.Range range) {
            return switch (name) {
                case "start" -> range.start();
                case "stop" -> range.stop();
                case "step" -> range.step();
                case "count" -> Attributes.method(name, (rr, a) -> range.contains(a.bind(name, 1, "value")[0]) ? 1L : 0L);
                case "index" -> Attributes.method(name, (rr, a) -> list(rr, Py.list(rr, range), "index", a));
                default -> null;
            };
        }
        return null;
    }

    private static Object wrap(Object v) {
        return v == null ? Slices.NONE : v;
    }
}
