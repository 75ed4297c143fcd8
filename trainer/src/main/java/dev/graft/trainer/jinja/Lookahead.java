package dev.graft.trainer.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Supplier;

/** An iterator over what a supplier gives: each item in an array of one, null at the end. */
final class Lookahead implements Iterator<Object> {
    private final Supplier<Object[]> source;
    private Object[] next;
    private boolean done;

    Lookahead(Supplier<Object[]> source) {
        this.source = source;
    }

    @Override
    public boolean hasNext() {
        if (next == null && !done) {
            next = source.get();
            done = next == null;
        }
        return next != null;
    }

    @Override
    public Object next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Object item = next[0];
        next = null;
        return item;
    }
}
