package dev.graft.trainer.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/** Python objects that are neither numbers, strings, lists, tuples nor dicts. */
final class PyObjects {
    private PyObjects() {}

    /** Something with the name of a Python type. */
    interface Typed {
        String typeName();
    }

    /** Something that {@code len()} takes. */
    interface Sized {
        long length();
    }

    /** Something to iterate over. */
    interface Iter {
        Iterator<Object> iterate(Render r);
    }

    /** Something to call. */
    interface Callable {
        Object call(Render r, Args args);
    }

    /** A method or global function. */
    record Function(String name, Callable body) implements Callable, Typed {
        @Override
        public Object call(Render r, Args args) {
            return body.call(r, args);
        }

        @Override
        public String typeName() {
            return "builtin_function_or_method";
        }

        @Override
        public String toString() {
            return "<built-in function " + name + ">";
        }
    }

    /** A Python generator: can be iterated over once. */
    static final class Generator implements Iter, Typed {
        private final Iterator<Object> source;
        private final String type;

        Generator(String type, Iterator<Object> source) {
            this.type = type;
            this.source = source;
        }

        @Override
        public Iterator<Object> iterate(Render r) {
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    r.enter();
                    try {
                        return source.hasNext();
                    } finally {
                        r.leave();
                    }
                }

                @Override
                public Object next() {
                    r.enter();
                    try {
                        return source.next();
                    } finally {
                        r.leave();
                    }
                }
            };
        }

        @Override
        public String typeName() {
            return type;
        }

        @Override
        public String toString() {
            return "<" + type + " object>";
        }
    }

    /** The keys, values or items of a dict. */
    record DictView(PyDict dict, Part part) implements Iter, Sized, Typed {
        enum Part { KEYS, VALUES, ITEMS }

        @Override
        public Iterator<Object> iterate(Render r) {
            Iterator<PyDict.Entry> entries = dict.entries().iterator();
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return entries.hasNext();
                }

                @Override
                public Object next() {
                    r.step();
                    PyDict.Entry e = entries.next();
                    return switch (part) {
                        case KEYS -> e.key();
                        case VALUES -> e.value();
                        case ITEMS -> new PyTuple(e.key(), e.value());
                    };
                }
            };
        }

        boolean sameAs(Render r, DictView other) {
            if (part == Part.VALUES || part != other.part || length() != other.length()) {
                return false;
            }
            for (PyDict.Entry e : dict.entries()) {
                PyDict.Entry o = other.dict.entry(r, e.key());
                if (o == null || (part == Part.ITEMS && !Py.eq(r, e.value(), o.value()))) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public long length() {
            return dict.size();
        }

        @Override
        public String typeName() {
            return "dict_" + part.name().toLowerCase(java.util.Locale.ROOT);
        }

        @Override
        public boolean equals(Object o) {
            return this == o;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }

    /** A Python range. */
    record Range(long start, long stop, long step) implements Iter, Sized, Typed {
        @Override
        public long length() {
            long span = step > 0 ? stop - start : start - stop;
            return span <= 0 ? 0 : (span - 1) / Math.abs(step) + 1;
        }

        long get(long i) {
            return start + i * step;
        }

        boolean contains(Object number) {
            if (number instanceof Double d && d != Math.rint(d)) {
                return false;
            }
            Object n = Num.of(number);
            Object whole = n instanceof Double d ? Double.isInfinite(d) ? (Object) 0.5 : Num.norm(Num.toBig(d)) : n;
            if (!(whole instanceof Long l) || length() == 0) {
                return false;
            }
            long last = get(length() - 1);
            return l >= Math.min(start, last) && l <= Math.max(start, last) && (l - start) % step == 0;
        }

        boolean sameAs(Range o) {
            long n = length();
            return n == o.length() && (n == 0 || (start == o.start && (n == 1 || step == o.step)));
        }

        @Override
        public Iterator<Object> iterate(Render r) {
            long n = length();
            return new Iterator<>() {
                private long at;

                @Override
                public boolean hasNext() {
                    return at < n;
                }

                @Override
                public Object next() {
                    if (at >= n) {
                        throw new NoSuchElementException();
                    }
                    r.step();
                    return get(at++);
                }
            };
        }

        @Override
        public String typeName() {
            return "range";
        }

        @Override
        public String toString() {
            return "range(" + start + ", " + stop + (step == 1 ? ")" : ", " + step + ")");
        }
    }

    /** What {@code cycler()} makes. */
    static final class Cycler implements Typed {
        final List<Object> items;
        int pos;

        Cycler(List<Object> items) {
            this.items = items;
        }

        Object next() {
            Object v = items.get(pos);
            pos = (pos + 1) % items.size();
            return v;
        }

        @Override
        public String typeName() {
            return "Cycler";
        }
    }

    /** The variable {@code self}: a function for each block of the template. */
    record BlockSelf(Map<String, Stmt.Block> blocks) implements Typed {
        @Override
        public String typeName() {
            return "TemplateReference";
        }

        @Override
        public String toString() {
            return "<TemplateReference None>";
        }
    }
}
