package dev.graft.trainer.jinja;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The arguments of a call. */
record Args(List<Object> pos, Map<String, Object> kw) {
    static final Object ABSENT = new Object();
    static final Args NONE = new Args(List.of(), Map.of());

    static Args of(Object... values) {
        return new Args(Arrays.asList(values), Map.of());
    }

    /** The values of the parameters {@code names}, {@link #ABSENT} where not given; the first {@code required} must be. */
    Object[] bind(String function, int required, String... names) {
        if (pos.size() > names.length) {
            throw PyError.type(function + "() takes at most " + names.length + " arguments (" + pos.size() + " given)");
        }
        Object[] bound = new Object[names.length];
        Arrays.fill(bound, ABSENT);
        for (int i = 0; i < pos.size(); i++) {
            bound[i] = pos.get(i);
        }
        for (Map.Entry<String, Object> e : kw.entrySet()) {
            int i = Arrays.asList(names).indexOf(e.getKey());
            if (i < 0) {
                throw PyError.type(function + "() got an unexpected keyword argument '" + e.getKey() + "'");
            }
            if (bound[i] != ABSENT) {
                throw PyError.type(function + "() got multiple values for argument '" + e.getKey() + "'");
            }
            bound[i] = e.getValue();
        }
        for (int i = 0; i < required; i++) {
            if (bound[i] == ABSENT) {
                throw PyError.type(function + "() missing required argument '" + names[i] + "'");
            }
        }
        return bound;
    }

    /** These arguments without the first {@code n} positional ones. */
    Args drop(int n) {
        return new Args(pos.subList(n, pos.size()), kw);
    }

    Map<String, Object> keywords() {
        return new LinkedHashMap<>(kw);
    }
}
