package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A macro, with the frame it was defined in. */
final class Macro implements PyObjects.Callable, PyObjects.Typed {
    /**
     * What is known of a macro when the template is parsed.
     *
     * @param defaults the defaults of the last parameters
     * @param catches which of {@code caller}, {@code kwargs} and {@code varargs} the body mentions
     */
    record Definition(String name, List<String> parameters, List<Expr> defaults, java.util.Set<String> catches, Body body, int height) {}

    private static final Object NOT_GIVEN = new Object();

    private final Definition d;
    private final Scope scope;

    Macro(Definition definition, Scope scope) {
        this.d = definition;
        this.scope = scope;
    }

    @Override
    public Object call(Render r, Args args) {
        List<String> names = d.parameters();
        Map<String, Object> kw = args.keywords();
        List<Object> values = new ArrayList<>(args.pos().subList(0, Math.min(names.size(), args.pos().size())));
        boolean explicitCaller = names.contains("caller");
        boolean foundCaller = values.size() == names.size() && explicitCaller;
        for (int i = values.size(); i < names.size(); i++) {
            foundCaller |= names.get(i).equals("caller");
            values.add(kw.containsKey(names.get(i)) ? kw.remove(names.get(i)) : NOT_GIVEN);
        }
        Scope frame = new Scope(scope);
        d.body().open(frame);
        if (d.catches().contains("caller") && !foundCaller) {
            Object caller = kw.remove("caller");
            frame.set("caller", caller == null ? Undefined.hint("No caller defined") : caller);
        }
        if (d.catches().contains("kwargs")) {
            PyDict rest = new PyDict();
            kw.forEach((k, v) -> rest.put(r, k, v));
            frame.set("kwargs", rest);
        } else if (!kw.isEmpty()) {
            throw PyError.type(kw.containsKey("caller")
                    ? "macro '" + d.name() + "' was invoked with two values for the special caller argument."
                    : "macro '" + d.name() + "' takes no keyword argument '" + kw.keySet().iterator().next() + "'");
        }
        if (d.catches().contains("varargs")) {
            frame.set("varargs", PyTuple.of(args.pos().subList(Math.min(names.size(), args.pos().size()), args.pos().size())));
        } else if (args.pos().size() > names.size()) {
            throw PyError.type("macro '" + d.name() + "' takes not more than " + names.size() + " argument(s)");
        }
        return r.call(d.height() + 3, () -> invoke(r, frame, values));
    }

    private String invoke(Render r, Scope frame, List<Object> values) {
        List<String> names = d.parameters();
        for (String name : names) {
            frame.set(name, Scope.UNSET);
        }
        for (int i = 0; i < names.size(); i++) {
            Object v = values.get(i);
            if (v == NOT_GIVEN) {
                int at = i - names.size() + d.defaults().size();
                v = at < 0 ? Undefined.hint("parameter '" + names.get(i) + "' was not provided") : d.defaults().get(at).eval(r, frame);
            }
            frame.set(names.get(i), v);
        }
        return r.capture(() -> d.body().run(r, frame));
    }

    Object attribute(String name) {
        return switch (name) {
            case "name" -> d.name() == null ? Slices.NONE : d.name();
            case "arguments" -> PyTuple.of(new ArrayList<>(d.parameters()));
            case "catch_kwargs" -> d.catches().contains("kwargs");
            case "catch_varargs" -> d.catches().contains("varargs");
            case "caller" -> d.catches().contains("caller");
            default -> null;
        };
    }

    @Override
    public String typeName() {
        return "Macro";
    }

    @Override
    public String toString() {
        return d.name() == null ? "<Macro anonymous>" : "<Macro '" + d.name() + "'>";
    }
}
