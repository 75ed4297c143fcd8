package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** The variable {@code loop}. */
final class LoopContext implements PyObjects.Callable, PyObjects.Typed, PyObjects.Sized, PyObjects.Iter {
    private static final Object NOTHING = new Object();

    private final Render r;
    private final Stmt.For statement;
    private final Scope outer;
    private final int depth;
    private Iterator<Object> items;
    private long length;
    private long index = -1;
    private Object before = NOTHING;
    private Object current = NOTHING;
    private Object after = NOTHING;
    private Object changed = NOTHING;

    LoopContext(Render r, Stmt.For statement, Scope outer, Iterator<Object> items, long length, int depth) {
        this.r = r;
        this.statement = statement;
        this.outer = outer;
        this.items = items;
        this.length = length;
        this.depth = depth;
    }

    boolean advance() {
        Object next = peek();
        if (next == NOTHING) {
            return false;
        }
        after = NOTHING;
        index++;
        before = current;
        current = next;
        return true;
    }

    Object current() {
        return current;
    }

    private Object peek() {
        if (after == NOTHING && items.hasNext()) {
            after = items.next();
        }
        return after;
    }

    @Override
    public long length() {
        if (length < 0) {
            List<Object> rest = new ArrayList<>();
            while (items.hasNext()) {
                r.allocate(Render.OBJECT);
                rest.add(items.next());
            }
            items = rest.iterator();
            length = rest.size() + index + 1 + (after == NOTHING ? 0 : 1);
        }
        return length;
    }

    Object attribute(Render render, String name) {
        switch (name) {
            case "index":
                return index + 1;
            case "index0":
                return index;
            case "revindex":
                return length() - index;
            case "revindex0":
                return length() - index - 1;
            case "first":
                return index == 0;
            case "last":
                return peek() == NOTHING;
            case "length":
                return length();
            case "depth":
                return depth + 1L;
            case "depth0":
                return (long) depth;
            case "previtem":
                return neighbour(before, "there is no previous item");
            case "nextitem":
                return neighbour(peek(), "there is no next item");
            case "cycle":
                return Attributes.method(name, (rr, a) -> {
                    if (a.pos().isEmpty()) {
                        throw PyError.type("no items for cycling given");
                    }
                    return a.pos().get((int) (index % a.pos().size()));
                });
            case "changed":
                return Attributes.method(name, (rr, a) -> {
                    PyTuple value = PyTuple.of(a.pos());
                    boolean differs = changed == NOTHING || !Py.eq(rr, changed, value);
                    changed = differs ? value : changed;
                    return differs;
                });
            default:
                return null;
        }
    }

    private static Object neighbour(Object item, String hint) {
        return item == NOTHING ? Undefined.hint(hint) : item == null ? Slices.NONE : item;
    }

    @Override
    public Object call(Render render, Args args) {
        if (!statement.recursive()) {
            throw PyError.type("The loop must have the 'recursive' marker to be called recursively.");
        }
        return statement.recurse(render, outer, args.bind("loop", 1, "iterable")[0], depth + 1);
    }

    @Override
    public Iterator<Object> iterate(Render render) {
        return new Lookahead(() -> advance() ? new Object[] {new PyTuple(current, this)} : null);
    }

    @Override
    public String typeName() {
        return "LoopContext";
    }

    @Override
    public String toString() {
        return "<LoopContext " + (index + 1) + "/" + length() + ">";
    }
}
