package dev.graft.trainer.jinja;

import java.math.BigInteger;
import java.util.List;
import java.util.Set;

/** Attribute and item access as the sandboxed environment does it. */
final class Attributes {
    private static final Set<String> DICT_DENIED = Set.of("clear", "pop", "popitem", "setdefault", "update");
    private static final Set<String> LIST_DENIED = Set.of("append", "reverse", "insert", "sort", "extend", "remove");
    private static final Object NO_ITEM = new Object();

    private Attributes() {}

    /** {@code obj.name}: an attribute, or else an item, or else undefined. */
    static Object attribute(Render r, Object obj, String name) {
        if (obj instanceof Undefined u) {
            throw u.error();
        }
        Object v = own(r, obj, name);
        if (v != null) {
            return v == Slices.NONE ? null : v;
        }
        if (obj instanceof PyDict d) {
            PyDict.Entry e = d.entry(r, name);
            if (e != null) {
                return e.value();
            }
        }
        return new Undefined(null, obj, name);
    }

    /** {@code obj[key]}: an item, or else an attribute, or else undefined. */
    static Object item(Render r, Object obj, Object key) {
        if (obj instanceof Undefined u) {
            throw u.error();
        }
        Object v = itemOnly(r, obj, key);
        if (v != NO_ITEM) {
            return v;
        }
        String name = Py.text(key);
        if (name != null) {
            Object own = own(r, obj, name);
            if (own != null) {
                return own == Slices.NONE ? null : own;
            }
        }
        return new Undefined(null, obj, key);
    }

    private static Object itemOnly(Render r, Object obj, Object key) {
        if (obj instanceof PyDict d) {
            try {
                PyDict.Entry e = d.entry(r, key);
                return e == null ? NO_ITEM : e.value();
            } catch (PyError unhashable) {
                return NO_ITEM;
            }
        }
        if (Py.text(obj) != null || obj instanceof List || obj instanceof PyObjects.Range) {
            Object v = Slices.item(r, obj, key);
            return v == null ? NO_ITEM : v == Slices.NONE ? null : v;
        }
        return NO_ITEM;
    }

    /** Only what Python's {@code getattr} finds; null if nothing. */
    static Object own(Render r, Object obj, String name) {
        if (obj instanceof Namespace n && n.attributes.containsKey(name)) {
            Object v = n.attributes.get(name);
            return v == null ? Slices.NONE : v;
        }
        if (name.startsWith("__") && name.endsWith("__") && name.length() > 4) {
            return isDunder(name) ? Undefined.unsafe(obj, name) : null;
        }
        String s = Py.text(obj);
        if (s != null) {
            return StrMethods.NAMES.contains(name) ? method(name, (rr, a) -> StrMethods.call(rr, obj, name, a)) : null;
        }
        if (obj instanceof PyTuple t) {
            if (t instanceof PyTuple.Group && (name.equals("grouper") || name.equals("list"))) {
                Object v = t.get(name.equals("grouper") ? 0 : 1);
                return v == null ? Slices.NONE : v;
            }
            return Set.of("count", "index").contains(name) ? method(name, (rr, a) -> Methods.list(rr, t, name, a)) : null;
        }
        if (obj instanceof List<?> l) {
            if (LIST_DENIED.contains(name)) {
                return Undefined.unsafe(obj, name);
            }
            return Methods.LIST.contains(name) ? method(name, (rr, a) -> Methods.list(rr, l, name, a)) : null;
        }
        if (obj instanceof PyDict d) {
            if (DICT_DENIED.contains(name)) {
                return Undefined.unsafe(obj, name);
            }
            return Methods.DICT.contains(name) ? method(name, (rr, a) -> Methods.dict(rr, d, name, a)) : null;
        }
        if (obj instanceof Long || obj instanceof BigInteger || obj instanceof Boolean || obj instanceof Double) {
            return Methods.number(obj, name);
        }
        return Methods.object(r, obj, name);
    }

    static PyObjects.Function method(String name, PyObjects.Callable body) {
        return new PyObjects.Function(name, body);
    }

    private static boolean isDunder(String name) {
        return Set.of("__class__", "__doc__", "__init__", "__dict__", "__len__", "__getitem__", "__iter__", "__contains__",
                "__eq__", "__ne__", "__lt__", "__gt__", "__le__", "__ge__", "__hash__", "__str__", "__repr__", "__new__",
                "__reduce__", "__reduce_ex__", "__getattribute__", "__setattr__", "__delattr__", "__sizeof__", "__format__",
                "__dir__", "__subclasshook__", "__init_subclass__", "__add__", "__mul__", "__rmul__", "__mod__", "__rmod__",
                "__globals__", "__code__", "__closure__", "__func__", "__self__", "__call__", "__module__", "__name__")
                .contains(name);
    }
}
