package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An expression of a template. Immutable. */
sealed interface Expr {
    Object eval(Render r, Scope s);

    /** The expressions that this one is made of. */
    default List<Expr> parts() {
        return List.of();
    }

    record Const(Object value) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            return value;
        }
    }

    record Name(String name) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            r.step();
            return s.get(r, name);
        }
    }

    /** {@code ns.name} as the target of an assignment. */
    record NamespaceTarget(String name, String attribute) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            throw new IllegalStateException("not a value");
        }
    }

    record ListOf(List<Expr> items) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            return evalAll(r, s, items);
        }

        @Override
        public List<Expr> parts() {
            return items;
        }
    }

    record TupleOf(List<Expr> items) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            return PyTuple.of(evalAll(r, s, items));
        }

        @Override
        public List<Expr> parts() {
            return items;
        }
    }

    private static List<Object> evalAll(Render r, Scope s, List<Expr> items) {
        r.allocate(4L * items.size() + Render.OBJECT);
        List<Object> values = new ArrayList<>(items.size());
        for (Expr e : items) {
            r.step();
            values.add(e.eval(r, s));
        }
        return values;
    }

    /** A dict; {@code parts} are key, value, key, value... */
    record DictOf(List<Expr> parts) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            PyDict d = new PyDict();
            r.allocate((long) Render.OBJECT * (parts.size() + 1));
            for (int i = 0; i < parts.size(); i += 2) {
                r.step();
                Object key = parts.get(i).eval(r, s);
                d.put(r, key, parts.get(i + 1).eval(r, s));
            }
            return d;
        }
    }

    /** {@code then if test else otherwise}; {@code otherwise} may be null. */
    record Conditional(Expr test, Expr then, Expr otherwise, int line) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            r.step();
            if (Py.truth(test.eval(r, s))) {
                return then.eval(r, s);
            }
            return otherwise != null ? otherwise.eval(r, s)
                    : Undefined.hint("the inline if-expression on line " + line
                            + " evaluated to false and no else section was defined.");
        }

        @Override
        public List<Expr> parts() {
            return otherwise == null ? List.of(test, then) : List.of(test, then, otherwise);
        }
    }

    /** {@code and} or {@code or}. */
    record Logical(boolean and, Expr left, Expr right) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            r.step();
            Object v = left.eval(r, s);
            return Py.truth(v) == and ? right.eval(r, s) : v;
        }

        @Override
        public List<Expr> parts() {
            return List.of(left, right);
        }
    }

    record Not(Expr operand) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            r.step();
            return !Py.truth(operand.eval(r, s));
        }

        @Override
        public List<Expr> parts() {
            return List.of(operand);
        }
    }

    /** Unary plus or minus. */
    record Unary(String op, Expr operand) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            r.step();
            return Py.unary(op, operand.eval(r, s));
        }

        @Override
        public List<Expr> parts() {
            return List.of(operand);
        }
    }

    record Binary(String op, Expr left, Expr right) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            r.step();
            Object a = left.eval(r, s);
            return Py.binary(r, op, a, right.eval(r, s));
        }

        @Override
        public List<Expr> parts() {
            return List.of(left, right);
        }
    }

    /** {@code a ~ b ~ c}. */
    record Concat(List<Expr> parts) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            StringBuilder b = new StringBuilder();
            r.allocate(Render.OBJECT);
            for (Expr e : parts) {
                r.step();
                String piece = Py.str(r, e.eval(r, s));
                r.allocate(piece.length());
                b.append(piece);
            }
            return b.toString();
        }
    }

    /** {@code a < b <= c}, also {@code in} and {@code not in}. */
    record Compare(List<String> ops, List<Expr> parts) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            Object left = parts.get(0).eval(r, s);
            for (int i = 0; i < ops.size(); i++) {
                r.step();
                Object right = parts.get(i + 1).eval(r, s);
                if (!test(r, ops.get(i), left, right)) {
                    return false;
                }
                left = right;
            }
            return true;
        }

        static boolean test(Render r, String op, Object a, Object b) {
            return switch (op) {
                case "==" -> Py.eq(r, a, b);
                case "!=" -> !Py.eq(r, a, b);
                case "in" -> Py.contains(r, b, a);
                case "not in" -> !Py.contains(r, b, a);
                default -> Py.ordered(r, op, a, b);
            };
        }
    }

    record Attribute(Expr object, String name) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            r.step();
            return Attributes.attribute(r, object.eval(r, s), name);
        }

        @Override
        public List<Expr> parts() {
            return List.of(object);
        }
    }

    record Item(Expr object, Expr key) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            r.step();
            Object o = object.eval(r, s);
            return Attributes.item(r, o, key.eval(r, s));
        }

        @Override
        public List<Expr> parts() {
            return List.of(object, key);
        }
    }

    /** {@code object[start:stop:step]}; the bounds may be null. */
    record Slice(Expr object, Expr start, Expr stop, Expr step) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            r.step();
            Object o = object.eval(r, s);
            Object[] bounds = new Object[3];
            bounds[0] = start == null ? null : start.eval(r, s);
            bounds[1] = stop == null ? null : stop.eval(r, s);
            bounds[2] = step == null ? null : step.eval(r, s);
            if (o instanceof Undefined u) {
                throw u.error();
            }
            if (!Slices.canSlice(o) && isConstant(object)) {
                return new Undefined(null, o, List.of());
            }
            return Slices.slice(r, o, bounds[0], bounds[1], bounds[2]);
        }

        @Override
        public List<Expr> parts() {
            List<Expr> parts = new ArrayList<>();
            for (Expr e : new Expr[] {object, start, stop, step}) {
                if (e != null) {
                    parts.add(e);
                }
            }
            return parts;
        }
    }

    /** Whether Jinja2 would evaluate the expression when it compiles, where a bad slice is undefined and no error. */
    private static boolean isConstant(Expr e) {
        boolean constant = e instanceof Const || e instanceof ListOf || e instanceof TupleOf || e instanceof DictOf
                || e instanceof Unary;
        return constant && e.parts().stream().allMatch(Expr::isConstant);
    }

    /** The arguments of a call; {@code star} and {@code doubleStar} may be null. */
    record Arguments(List<Expr> pos, Map<String, Expr> kw, Expr star, Expr doubleStar) {
        static final Arguments NONE = new Arguments(List.of(), Map.of(), null, null);

        Args eval(Render r, Scope s) {
            if (pos.isEmpty() && kw.isEmpty() && star == null && doubleStar == null) {
                return Args.NONE;
            }
            List<Object> values = new ArrayList<>(pos.size());
            for (Expr e : pos) {
                values.add(e.eval(r, s));
            }
            if (star != null) {
                values.addAll(Py.list(r, star.eval(r, s)));
            }
            Map<String, Object> named = new LinkedHashMap<>();
            for (Map.Entry<String, Expr> e : kw.entrySet()) {
                named.put(e.getKey(), e.getValue().eval(r, s));
            }
            if (doubleStar != null) {
                Object more = doubleStar.eval(r, s);
                if (!(more instanceof PyDict d)) {
                    throw PyError.type("argument after ** must be a mapping, not " + Py.typeName(more));
                }
                for (PyDict.Entry e : d.entries()) {
                    String key = Py.text(e.key());
                    if (key == null || named.containsKey(key)) {
                        throw PyError.type("bad or repeated keyword argument " + Py.repr(r, e.key()));
                    }
                    named.put(key, e.value());
                }
            }
            return new Args(values, named);
        }

        List<Expr> parts(Expr first) {
            List<Expr> parts = new ArrayList<>();
            if (first != null) {
                parts.add(first);
            }
            parts.addAll(pos);
            parts.addAll(kw.values());
            if (star != null) {
                parts.add(star);
            }
            if (doubleStar != null) {
                parts.add(doubleStar);
            }
            return parts;
        }
    }

    record Call(Expr callee, Arguments arguments) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            r.step();
            Object f = callee.eval(r, s);
            return invoke(r, f, arguments.eval(r, s));
        }

        static Object invoke(Render r, Object f, Args args) {
            if (f instanceof PyObjects.Callable c) {
                return c.call(r, args);
            }
            if (f instanceof Undefined u) {
                throw u.error();
            }
            throw PyError.type("'" + Py.typeName(f) + "' object is not callable");
        }

        @Override
        public List<Expr> parts() {
            return arguments.parts(callee);
        }
    }

    /** {@code operand|name(arguments)}; a null operand stands for the text of a block. */
    record Filter(Expr operand, String name, Arguments arguments) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            return apply(r, s, operand.eval(r, s));
        }

        private Object apply(Render r, Scope s, Object value) {
            r.step();
            return Filters.apply(r, name, value, arguments.eval(r, s));
        }

        /** Applies the chain of filters whose innermost operand is missing. */
        Object applyTo(Render r, Scope s, Object text) {
            return apply(r, s, operand instanceof Filter f ? f.applyTo(r, s, text) : text);
        }

        @Override
        public List<Expr> parts() {
            return arguments.parts(operand);
        }
    }

    /** {@code operand is name(arguments)}. */
    record Test(Expr operand, String name, Arguments arguments) implements Expr {
        @Override
        public Object eval(Render r, Scope s) {
            r.step();
            Object v = operand.eval(r, s);
            return Tests.test(r, name, v, arguments.eval(r, s));
        }

        @Override
        public List<Expr> parts() {
            return arguments.parts(operand);
        }
    }

    /** Assigns a value to a target: a name, an attribute of a namespace, or a tuple of targets. */
    static void assign(Render r, Scope s, Expr target, Object value) {
        if (target instanceof Name n) {
            s.set(n.name(), value);
        } else if (target instanceof NamespaceTarget t) {
            Object ns = s.get(r, t.name());
            if (!(ns instanceof Namespace n)) {
                throw PyError.other("cannot assign attribute on non-namespace object");
            }
            n.attributes.put(t.attribute(), value);
        } else if (target instanceof TupleOf tuple) {
            unpack(r, s, tuple.items(), value);
        } else {
            throw new IllegalStateException("not a target");
        }
    }

    private static void unpack(Render r, Scope s, List<Expr> targets, Object value) {
        if (!Py.isIterable(value)) {
            throw PyError.type("cannot unpack non-iterable " + Py.typeName(value) + " object");
        }
        Iterator<Object> items = Py.iterate(r, value);
        List<Object> values = new ArrayList<>(targets.size());
        while (values.size() < targets.size() && items.hasNext()) {
            values.add(items.next());
        }
        if (values.size() < targets.size()) {
            throw PyError.value("not enough values to unpack (expected " + targets.size() + ", got " + values.size() + ")");
        }
        if (items.hasNext()) {
            throw PyError.value("too many values to unpack (expected " + targets.size() + ")");
        }
        for (int i = 0; i < targets.size(); i++) {
            assign(r, s, targets.get(i), values.get(i));
        }
    }
}
