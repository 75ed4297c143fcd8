package dev.graft.trainer.jinja;

import java.util.AbstractList;
import java.util.List;

/** A Python tuple; lists are {@link java.util.ArrayList}s. */
class PyTuple extends AbstractList<Object> {
    private final Object[] items;

    PyTuple(Object... items) {
        this.items = items;
    }

    static PyTuple of(List<Object> items) {
        return new PyTuple(items.toArray());
    }

    @Override
    public Object get(int index) {
        return items[index];
    }

    @Override
    public int size() {
        return items.length;
    }

    /** A group of {@code groupby}: a pair whose items have names. */
    static final class Group extends PyTuple {
        Group(Object grouper, List<Object> list) {
            super(grouper, list);
        }
    }
}
