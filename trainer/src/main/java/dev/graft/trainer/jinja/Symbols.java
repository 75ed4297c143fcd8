package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Works out, as Jinja2 does when it compiles, which names each frame sets before it reads them. Until such a name is
 * set it is undefined, also for loops and macros inside the frame, even if the context has a variable of that name.
 */
final class Symbols {
    private static final int MAX_COPIED = 20_000_000;

    private enum Load { PARAMETER, RESOLVE, ALIAS, UNDEFINED }

    private final Symbols parent;
    private Map<String, Load> loads = new HashMap<>();
    private Set<String> stores = new HashSet<>();

    private final int[] copied;

    private Symbols(Symbols parent, int[] copied) {
        this.parent = parent;
        this.copied = copied;
    }

    /** Resolves a whole template. */
    static void resolve(Body template) {
        frame(template, null, new int[1], List.of());
    }

    private static void frame(Body body, Symbols parent, int[] copied, List<String> parameters, Expr... first) {
        Symbols s = new Symbols(parent, copied);
        parameters.forEach(s::parameter);
        for (Expr e : first) {
            s.reads(e);
        }
        s.visit(body);
        List<String> hidden = new ArrayList<>();
        s.loads.forEach((name, load) -> {
            if (load == Load.UNDEFINED) {
                hidden.add(name);
            }
        });
        body.hide(List.copyOf(hidden));
        s.inner(body);
    }

    /** Resolves the frames inside a body whose own frame this is. */
    private void inner(Body body) {
        for (Stmt statement : body.statements) {
            if (statement instanceof Stmt.If i) {
                i.bodies().forEach(this::inner);
            } else if (statement instanceof Stmt.For f) {
                List<String> names = new ArrayList<>(List.of("loop"));
                targets(f.target(), names);
                frame(f.body(), this, copied, names);
                if (f.otherwise() != null) {
                    frame(f.otherwise(), this, copied, List.of());
                }
            } else if (statement instanceof Stmt.With w) {
                List<String> names = new ArrayList<>();
                w.targets().forEach(t -> targets(t, names));
                frame(w.body(), this, copied, names);
            } else if (statement instanceof Stmt.MacroDefinition m) {
                macro(m.definition());
            } else if (statement instanceof Stmt.CallBlock c) {
                macro(c.caller());
            } else if (statement instanceof Stmt.Block b) {
                frame(b.body(), b.scoped() ? this : null, copied, List.of());
            } else {
                statement.bodies().forEach(b -> frame(b, this, copied, List.of()));
            }
        }
    }

    private void macro(Macro.Definition d) {
        List<String> names = new ArrayList<>(d.parameters());
        names.addAll(d.catches());
        frame(d.body(), this, copied, names, d.defaults().toArray(new Expr[0]));
    }

    private static void targets(Expr target, List<String> names) {
        if (target instanceof Expr.Name n) {
            names.add(n.name());
        } else {
            target.parts().forEach(t -> targets(t, names));
        }
    }

    private boolean known(String name) {
        return loads.containsKey(name) || (parent != null && parent.known(name));
    }

    private void parameter(String name) {
        stores.add(name);
        loads.put(name, Load.PARAMETER);
    }

    private void load(String name) {
        if (!known(name)) {
            loads.put(name, Load.RESOLVE);
        }
    }

    private void store(Expr target) {
        if (target instanceof Expr.NamespaceTarget t) {
            load(t.name());
        } else if (target instanceof Expr.Name n) {
            store(n.name());
        } else {
            target.parts().forEach(this::store);
        }
    }

    private void store(String name) {
        stores.add(name);
        if (!loads.containsKey(name)) {
            loads.put(name, parent != null && parent.known(name) ? Load.ALIAS : Load.UNDEFINED);
        }
    }

    private void reads(Expr e) {
        if (e instanceof Expr.Name n) {
            load(n.name());
        } else if (e != null) {
            e.parts().forEach(this::reads);
        }
    }

    private void visit(Body body) {
        for (Stmt s : body.statements) {
            visit(s);
        }
    }

    private void visit(Stmt statement) {
        if (statement instanceof Stmt.Set s) {
            reads(s.value());
            store(s.target());
        } else if (statement instanceof Stmt.SetBlock s) {
            store(s.target());
        } else if (statement instanceof Stmt.If i) {
            condition(i.branches());
        } else if (statement instanceof Stmt.For f) {
            reads(f.iterable());
        } else if (statement instanceof Stmt.MacroDefinition m) {
            store(m.definition().name());
        } else if (statement instanceof Stmt.Output o) {
            reads(o.value());
        } else if (statement instanceof Stmt.CallBlock c) {
            reads(c.call());
        } else if (statement instanceof Stmt.FilterBlock f) {
            reads(f.filter());
        } else if (statement instanceof Stmt.With w) {
            w.values().forEach(this::reads);
        }
    }

    private Symbols copy() {
        copied[0] += loads.size() + stores.size();
        if (copied[0] > MAX_COPIED) {
            throw TemplateException.limit("template has too many branches and variables");
        }
        Symbols s = new Symbols(parent, copied);
        s.loads = new HashMap<>(loads);
        s.stores = new HashSet<>(stores);
        return s;
    }

    private void condition(List<Stmt.Branch> branches) {
        reads(branches.get(0).test());
        Symbols then = copy();
        then.visit(branches.get(0).body());
        Symbols middle = copy();
        Symbols last = copy();
        for (Stmt.Branch b : branches.subList(1, branches.size())) {
            if (b.test() == null) {
                last.visit(b.body());
            } else {
                middle.condition(List.of(b));
            }
        }
        join(List.of(then, middle, last));
    }

    private void join(List<Symbols> branches) {
        Map<String, Integer> counts = new HashMap<>();
        for (Symbols b : branches) {
            for (String name : b.stores) {
                if (!stores.contains(name)) {
                    counts.merge(name, 1, Integer::sum);
                }
            }
        }
        for (Symbols b : branches) {
            loads.putAll(b.loads);
            stores.addAll(b.stores);
        }
        counts.forEach((name, count) -> {
            if (count < branches.size()) {
                loads.put(name, parent != null && parent.known(name) ? Load.ALIAS : Load.RESOLVE);
            }
        });
    }

    /** Collects those of {@code names} that a macro's body reads and does not set before. */
    static void mentions(Body body, Set<String> names, Set<String> found) {
        mentionsOf(body, new HashSet<>(names), found);
    }

    private static void mentionsOf(Body body, Set<String> names, Set<String> found) {
        for (Stmt statement : body.statements) {
            if (statement instanceof Stmt.Block || names.isEmpty()) {
                continue;
            }
            List<Expr> reads = new ArrayList<>();
            List<String> stored = new ArrayList<>();
            if (statement instanceof Stmt.Set s) {
                targets(s.target(), stored);
                reads.add(s.value());
            } else if (statement instanceof Stmt.SetBlock s) {
                targets(s.target(), stored);
                reads.add(s.filter());
            } else if (statement instanceof Stmt.If i) {
                i.branches().forEach(b -> reads.add(b.test()));
            } else if (statement instanceof Stmt.For f) {
                targets(f.target(), stored);
                reads.add(f.iterable());
                reads.add(f.test());
            } else if (statement instanceof Stmt.Output o) {
                reads.add(o.value());
            } else if (statement instanceof Stmt.CallBlock c) {
                reads.add(c.call());
                reads.addAll(c.caller().defaults());
            } else if (statement instanceof Stmt.FilterBlock f) {
                reads.add(f.filter());
            } else if (statement instanceof Stmt.With w) {
                reads.addAll(w.values());
            } else if (statement instanceof Stmt.MacroDefinition m) {
                reads.addAll(m.definition().defaults());
            }
            names.removeAll(stored);
            reads.forEach(e -> names(e, names, found));
            statement.bodies().forEach(b -> mentionsOf(b, names, found));
        }
    }

    private static void names(Expr e, Set<String> names, Set<String> found) {
        if (e instanceof Expr.Name n) {
            if (names.contains(n.name())) {
                found.add(n.name());
            }
        } else if (e != null) {
            e.parts().forEach(p -> names(p, names, found));
        }
    }
}
