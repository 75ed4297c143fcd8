package dev.graft.trainer.jinja;

import java.util.HashMap;
import java.util.Map;

/** The variables of one lexical frame. */
final class Scope {
    /** Stands for a variable that a frame will set later: it hides the context's variable of that name. */
    static final Object UNSET = new Object();

    private final Scope parent;
    private final Map<String, Object> vars = new HashMap<>(8);

    Scope(Scope parent) {
        this.parent = parent;
    }

    void set(String name, Object value) {
        vars.put(name, value);
    }

    Object get(Render r, String name) {
        for (Scope s = this; s != null; s = s.parent) {
            Object v = s.vars.get(name);
            if (v == UNSET) {
                return new Undefined(null, Undefined.MISSING, name);
            }
            if (v != null || s.vars.containsKey(name)) {
                return v;
            }
        }
        return r.global(name);
    }
}
