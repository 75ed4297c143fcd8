package dev.graft.trainer.jinja;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A statement of a template. Immutable. */
sealed interface Stmt {
    /** How a statement ended. */
    enum Flow { NEXT, BREAK, CONTINUE }

    Flow exec(Render r, Scope s);

    /** The bodies inside. */
    default List<Body> bodies() {
        return List.of();
    }

    record Data(String text) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            r.step();
            r.write(text);
            return Flow.NEXT;
        }
    }

    record Output(Expr value, int line) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            r.at(line);
            r.write(Py.str(r, value.eval(r, s)));
            return Flow.NEXT;
        }
    }

    /** A branch of an if statement; {@code test} is null for else. */
    record Branch(Expr test, Body body, int line) {}

    record If(List<Branch> branches) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            for (Branch b : branches) {
                r.step();
                r.at(b.line());
                if (b.test() == null || Py.truth(b.test().eval(r, s))) {
                    return b.body().run(r, s);
                }
            }
            return Flow.NEXT;
        }

        @Override
        public List<Body> bodies() {
            return branches.stream().map(Branch::body).toList();
        }
    }

    /** A loop; {@code test} and {@code otherwise} may be null. */
    record For(Expr target, Expr iterable, Expr test, boolean recursive, Body body, Body otherwise, int line)
            implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            r.at(line);
            run(r, s, iterable.eval(r, s), 0);
            return Flow.NEXT;
        }

        /** Renders a deeper level of a recursive loop. */
        String recurse(Render r, Scope s, Object items, int depth) {
            return r.call(body.height + 2, () -> r.capture(() -> run(r, s, items, depth)));
        }

        private void run(Render r, Scope s, Object items, int depth) {
            Iterator<Object> all = Py.iterate(r, items);
            Iterator<Object> chosen = test == null ? all : filtered(r, s, all);
            boolean sized = test == null && Py.hasLength(items) && !(items instanceof Undefined);
            LoopContext loop = new LoopContext(r, this, s, chosen, sized ? Py.length(r, items) : -1, depth);
            boolean completed = false;
            while (loop.advance()) {
                r.step();
                Scope frame = new Scope(s);
                body.open(frame);
                frame.set("loop", loop);
                Expr.assign(r, frame, target, loop.current());
                Flow flow = body.run(r, frame);
                if (flow == Flow.BREAK) {
                    break;
                }
                completed |= flow == Flow.NEXT;
            }
            if (!completed && otherwise != null) {
                Scope frame = new Scope(s);
                otherwise.exec(r, frame);
            }
        }

        private Iterator<Object> filtered(Render r, Scope s, Iterator<Object> all) {
            return new Lookahead(() -> {
                while (all.hasNext()) {
                    r.step();
                    Object item = all.next();
                    Scope frame = new Scope(s);
                    Expr.assign(r, frame, target, item);
                    if (Py.truth(test.eval(r, frame))) {
                        return new Object[] {item};
                    }
                }
                return null;
            });
        }

        @Override
        public List<Body> bodies() {
            return otherwise == null ? List.of(body) : List.of(body, otherwise);
        }
    }

    record Jump(Flow flow) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            return flow;
        }
    }

    record Set(Expr target, Expr value, int line) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            r.at(line);
            Expr.assign(r, s, target, value.eval(r, s));
            return Flow.NEXT;
        }
    }

    /** {@code {% set x | filter %}...{% endset %}}; {@code filter} may be null. */
    record SetBlock(Expr target, Expr.Filter filter, Body body, int line) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            r.at(line);
            Flow[] flow = new Flow[1];
            Scope frame = new Scope(s);
            Object text = r.capture(() -> flow[0] = body.exec(r, frame));
            if (flow[0] != Flow.NEXT) {
                return flow[0];
            }
            Expr.assign(r, s, target, filter == null ? text : filter.applyTo(r, frame, text));
            return Flow.NEXT;
        }

        @Override
        public List<Body> bodies() {
            return List.of(body);
        }
    }

    record FilterBlock(Expr.Filter filter, Body body, int line) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            r.at(line);
            Flow[] flow = new Flow[1];
            Scope frame = new Scope(s);
            String text = r.capture(() -> flow[0] = body.exec(r, frame));
            if (flow[0] == Flow.NEXT) {
                r.write(Py.str(r, filter.applyTo(r, frame, text)));
            }
            return flow[0];
        }

        @Override
        public List<Body> bodies() {
            return List.of(body);
        }
    }

    record With(List<Expr> targets, List<Expr> values, Body body, int line) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            r.at(line);
            Scope frame = new Scope(s);
            body.open(frame);
            for (int i = 0; i < targets.size(); i++) {
                Expr.assign(r, frame, targets.get(i), values.get(i).eval(r, s));
            }
            return body.run(r, frame);
        }

        @Override
        public List<Body> bodies() {
            return List.of(body);
        }
    }

    /** A body in a frame of its own: {@code autoescape} (which does nothing here). */
    record Scoped(Body body) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            return body.exec(r, new Scope(s));
        }

        @Override
        public List<Body> bodies() {
            return List.of(body);
        }
    }

    record MacroDefinition(Macro.Definition definition) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            r.step();
            s.set(definition.name(), new Macro(definition, s));
            return Flow.NEXT;
        }

        @Override
        public List<Body> bodies() {
            return List.of(definition.body());
        }
    }

    /** {@code {% call(...) f(x) %}...{% endcall %}}. */
    record CallBlock(Macro.Definition caller, Expr.Call call, int line) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            r.at(line);
            r.step();
            Object f = call.callee().eval(r, s);
            Args args = call.arguments().eval(r, s);
            Map<String, Object> kw = new LinkedHashMap<>(args.kw());
            kw.put("caller", new Macro(caller, s));
            r.write(Py.str(r, Expr.Call.invoke(r, f, new Args(args.pos(), kw))));
            return Flow.NEXT;
        }

        @Override
        public List<Body> bodies() {
            return List.of(caller.body());
        }
    }

    /** {@code {% generation %}}: marks what the assistant wrote; here it only has a frame of its own. */
    record Generation(Body body, int line) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            r.at(line);
            body.exec(r, new Scope(s));
            return Flow.NEXT;
        }

        @Override
        public List<Body> bodies() {
            return List.of(body);
        }
    }

    /** A named block: without inheritance, a body that sees only the variables of the template itself. */
    record Block(String name, boolean scoped, Body body, int line) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            r.at(line);
            return body.exec(r, new Scope(scoped ? s : r.root()));
        }

        String render(Render r) {
            return r.call(body.height + 2, () -> r.capture(() -> body.exec(r, new Scope(r.root()))));
        }

        static Map<String, Block> collect(Body body) {
            Map<String, Block> blocks = new LinkedHashMap<>();
            collect(body, blocks);
            return blocks;
        }

        private static void collect(Body body, Map<String, Block> blocks) {
            for (Stmt s : body.statements) {
                if (s instanceof Block b) {
                    blocks.put(b.name, b);
                }
                s.bodies().forEach(inner -> collect(inner, blocks));
            }
        }

        @Override
        public List<Body> bodies() {
            return List.of(body);
        }
    }

    /** include, import, from and extends: there are no other templates. */
    record Load(int line) implements Stmt {
        @Override
        public Flow exec(Render r, Scope s) {
            r.at(line);
            throw PyError.type("no loader for this environment specified");
        }
    }
}
