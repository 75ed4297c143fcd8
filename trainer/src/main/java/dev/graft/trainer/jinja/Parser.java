package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Parses a template's statements. */
final class Parser extends ExprParser {
    private static final Set<String> SPECIAL = Set.of("caller", "kwargs", "varargs");

    private final Map<Stmt, Integer> heights = new IdentityHashMap<>();
    private int loops;

    Parser(List<Token> tokens) {
        super(tokens);
    }

    Body parseTemplate() {
        List<Stmt> all = statements(Set.of());
        return body(all);
    }

    private Body body(List<Stmt> statements) {
        int h = 0;
        for (Stmt s : statements) {
            h = Math.max(h, heights.getOrDefault(s, 1));
        }
        return new Body(List.copyOf(statements), h + 1);
    }

    private <T extends Stmt> T made(T s, Expr... parts) {
        int h = 0;
        for (Body b : s.bodies()) {
            h = Math.max(h, b.height);
        }
        for (Expr e : parts) {
            h = Math.max(h, height(e));
        }
        heights.put(s, h + 1);
        return s;
    }

    /** Statements up to a block that begins with one of {@code ends}, whose name is left as the current token. */
    private List<Stmt> statements(Set<String> ends) {
        List<Stmt> out = new ArrayList<>();
        while (true) {
            Token t = current();
            switch (t.type()) {
                case DATA -> {
                    advance();
                    out.add(new Stmt.Data(t.text()));
                }
                case VARIABLE_BEGIN -> {
                    advance();
                    Expr value = tuple(true, false, null);
                    out.add(made(new Stmt.Output(value, t.line()), value));
                    expect(Token.Type.VARIABLE_END, "end of print statement");
                }
                case BLOCK_BEGIN -> {
                    advance();
                    if (current().type() == Token.Type.NAME && ends.contains(current().text())) {
                        return out;
                    }
                    enter();
                    statement(out);
                    leave();
                    expect(Token.Type.BLOCK_END, "end of statement block");
                }
                default -> {
                    if (!ends.isEmpty()) {
                        throw error("Unexpected end of template. Looking for " + ends);
                    }
                    return out;
                }
            }
        }
    }

    /** The body of a block statement, up to and without the name that ends it. */
    private Body block(String... ends) {
        skipOperator(":");
        expect(Token.Type.BLOCK_END, "end of statement block");
        return body(statements(Set.of(ends)));
    }

    /** A body that becomes a function of its own, so that break and continue cannot leave it. */
    private Body function(String end) {
        int outer = loops;
        loops = 0;
        Body b = block(end);
        loops = outer;
        advance();
        return b;
    }

    private void statement(List<Stmt> out) {
        int line = current().line();
        String name = expectName();
        switch (name) {
            case "for" -> out.add(loop(line));
            case "if" -> out.add(condition(line));
            case "set" -> out.add(set(line));
            case "print" -> print(out, line);
            case "macro" -> out.add(macro());
            case "call" -> out.add(call(line));
            case "filter" -> out.add(filterBlock(line));
            case "with" -> out.add(with(line));
            case "autoescape" -> {
                expression();
                Body b = block("endautoescape");
                advance();
                out.add(made(new Stmt.Scoped(b)));
            }
            case "generation" -> out.add(made(new Stmt.Generation(function("endgeneration"), line)));
            case "block" -> out.add(namedBlock(line));
            case "break", "continue" -> {
                if (loops == 0) {
                    throw error("'" + name + "' outside loop");
                }
                out.add(new Stmt.Jump(name.equals("break") ? Stmt.Flow.BREAK : Stmt.Flow.CONTINUE));
            }
            case "include", "import", "from", "extends" -> {
                while (current().type() != Token.Type.BLOCK_END && current().type() != Token.Type.EOF) {
                    advance();
                }
                out.add(new Stmt.Load(line));
            }
            default -> throw TemplateException.syntax("Encountered unknown tag '" + name + "'.", line);
        }
    }

    /** A name, or names with commas between them, to assign to. */
    private Expr target(String endName) {
        List<Expr> items = new ArrayList<>();
        boolean isTuple = false;
        while (true) {
            if (!items.isEmpty()) {
                expectOperator(",");
            }
            if (endsTuple(endName)) {
                break;
            }
            items.add(assignable(primary()));
            if (!current().isOperator(",")) {
                break;
            }
            isTuple = true;
        }
        if (items.isEmpty()) {
            throw error("Expected an expression, got " + current().describe());
        }
        return isTuple ? made(new Expr.TupleOf(items)) : items.get(0);
    }

    private Expr assignable(Expr e) {
        if (e instanceof Expr.TupleOf t) {
            t.items().forEach(this::assignable);
        } else if (!(e instanceof Expr.Name)) {
            throw error("can't assign to this expression");
        }
        return e;
    }

    private Stmt loop(int line) {
        Expr target = target("in");
        if (!skipName("in")) {
            throw unexpected("'in'");
        }
        Expr iterable = tuple(false, false, "recursive");
        Expr test = skipName("if") ? expression() : null;
        boolean recursive = skipName("recursive");
        loops++;
        Body body = block("endfor", "else");
        loops--;
        Body otherwise = null;
        if (advance().text().equals("else")) {
            otherwise = block("endfor");
            advance();
        }
        return made(new Stmt.For(target, iterable, test, recursive, body, otherwise, line), target, iterable, test);
    }

    private Stmt condition(int line) {
        List<Stmt.Branch> branches = new ArrayList<>();
        List<Expr> tests = new ArrayList<>();
        int at = line;
        while (true) {
            Expr test = tuple(false, false, null);
            tests.add(test);
            branches.add(new Stmt.Branch(test, block("elif", "else", "endif"), at));
            at = current().line();
            String end = advance().text();
            if (end.equals("elif")) {
                continue;
            }
            if (end.equals("else")) {
                branches.add(new Stmt.Branch(null, block("endif"), at));
                advance();
            }
            return made(new Stmt.If(List.copyOf(branches)), tests.toArray(new Expr[0]));
        }
    }

    private Stmt set(int line) {
        Expr target;
        if (look().isOperator(".")) {
            String name = expectName();
            advance();
            target = new Expr.NamespaceTarget(name, expectName());
        } else {
            target = target(null);
        }
        if (skipOperator("=")) {
            Expr value = tuple(true, false, null);
            return made(new Stmt.Set(target, value, line), value, target);
        }
        Expr filter = filter(null, false);
        Body body = block("endset");
        advance();
        return made(new Stmt.SetBlock(target, (Expr.Filter) filter, body, line), filter);
    }

    private void print(List<Stmt> out, int line) {
        boolean first = true;
        while (current().type() != Token.Type.BLOCK_END) {
            if (!first) {
                expectOperator(",");
            }
            first = false;
            Expr value = expression();
            out.add(made(new Stmt.Output(value, line), value));
        }
    }

    private Stmt with(int line) {
        List<Expr> targets = new ArrayList<>();
        List<Expr> values = new ArrayList<>();
        while (current().type() != Token.Type.BLOCK_END) {
            if (!targets.isEmpty()) {
                expectOperator(",");
            }
            targets.add(target(null));
            expectOperator("=");
            values.add(expression());
        }
        Body body = block("endwith");
        advance();
        return made(new Stmt.With(targets, values, body, line), values.toArray(new Expr[0]));
    }

    private Stmt filterBlock(int line) {
        Expr filter = filter(null, true);
        Body body = block("endfilter");
        advance();
        return made(new Stmt.FilterBlock((Expr.Filter) filter, body, line), filter);
    }

    private Stmt namedBlock(int line) {
        String name = expectName();
        boolean scoped = skipName("scoped");
        skipName("required");
        Body body = function("endblock");
        skipName(name);
        return made(new Stmt.Block(name, scoped, body, line));
    }

    private Stmt macro() {
        String name = expectName();
        List<Expr> defaults = new ArrayList<>();
        List<String> parameters = signature(defaults);
        return made(new Stmt.MacroDefinition(definition(name, parameters, defaults, function("endmacro"))));
    }

    private Stmt call(int line) {
        List<Expr> defaults = new ArrayList<>();
        List<String> parameters = current().isOperator("(") ? signature(defaults) : List.of();
        Expr call = expression();
        if (!(call instanceof Expr.Call c)) {
            throw error("expected call");
        }
        return made(new Stmt.CallBlock(definition(null, parameters, defaults, function("endcall")), c, line), call);
    }

    private List<String> signature(List<Expr> defaults) {
        List<String> names = new ArrayList<>();
        expectOperator("(");
        while (!current().isOperator(")")) {
            if (!names.isEmpty()) {
                expectOperator(",");
            }
            String name = expectName();
            if (names.contains(name)) {
                throw error("duplicate argument '" + name + "'");
            }
            names.add(name);
            if (skipOperator("=")) {
                defaults.add(expression());
            } else if (!defaults.isEmpty()) {
                throw error("non-default argument follows default argument");
            }
        }
        expectOperator(")");
        return names;
    }

    private Macro.Definition definition(String name, List<String> parameters, List<Expr> defaults, Body body) {
        Set<String> catches = new LinkedHashSet<>();
        Symbols.mentions(body, SPECIAL, catches);
        catches.removeIf(n -> parameters.contains(n));
        int height = body.height;
        for (Expr e : defaults) {
            height = Math.max(height, height(e));
        }
        return new Macro.Definition(name, List.copyOf(parameters), List.copyOf(defaults), Set.copyOf(catches), body, height);
    }
}
