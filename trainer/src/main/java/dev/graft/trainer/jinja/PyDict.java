package dev.graft.trainer.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A Python dict: insertion order, and keys compared as Python does (1 == 1.0 == True). */
final class PyDict {
    private static final Object NONE = new Object();
    private static final Object UNDEFINED = new Object();
    private static final int SEED = System.identityHashCode(NONE);

    record Entry(Object key, Object value) {}

    private record TupleKey(List<Object> items) {
        @Override
        public int hashCode() {
            int h = SEED;
            for (Object o : items) {
                h = (h ^ o.hashCode()) * 0x9E3779B1;
                h ^= h >>> 15;
            }
            return h;
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof TupleKey k && items.equals(k.items);
        }
    }

    private final Map<Object, Entry> map = new LinkedHashMap<>();

    PyDict() {}

    PyDict(PyDict other) {
        map.putAll(other.map);
    }

    void put(Render r, Object key, Object value) {
        Object k = hashKey(r, key);
        Entry old = map.get(k);
        map.put(k, new Entry(old == null ? key : old.key, value));
    }

    /** The entry of a key, or null. */
    Entry entry(Render r, Object key) {
        return map.get(key instanceof String ? key : hashKey(r, key));
    }

    /** The value of a key, or null. */
    Object get(String key) {
        Entry e = map.get(key);
        return e == null ? null : e.value;
    }

    int size() {
        return map.size();
    }

    Collection<Entry> entries() {
        return map.values();
    }

    /** What stands for a value in hash tables: equal exactly if Python calls the values equal. */
    static Object hashKey(Render r, Object v) {
        if (v instanceof String || v instanceof Long || v instanceof BigInteger) {
            return v;
        }
        if (v == null) {
            return NONE;
        }
        if (v instanceof Boolean b) {
            return b ? 1L : 0L;
        }
        if (v instanceof Double d) {
            return d == Math.rint(d) && !Double.isInfinite(d) ? Num.norm(Num.toBig(d)) : v;
        }
        if (v instanceof Values.Markup m) {
            return m.text();
        }
        if (v instanceof Undefined) {
            return UNDEFINED;
        }
        if (v instanceof PyTuple t) {
            r.enter();
            try {
                r.allocate(2L * Render.OBJECT + 4L * t.size());
                List<Object> keys = new ArrayList<>(t.size());
                for (Object item : t) {
                    keys.add(hashKey(r, item));
                }
                return new TupleKey(keys);
            } finally {
                r.leave();
            }
        }
        if (v instanceof List || v instanceof PyDict || v instanceof PyObjects.DictView) {
            throw PyError.type("unhashable type: '" + Py.typeName(v) + "'");
        }
        return v;
    }
}
