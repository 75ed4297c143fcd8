package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Parses expressions, with Jinja2's precedence. */
class ExprParser {
    private static final int MAX_NESTING = 120;
    private static final int MAX_HEIGHT = 400;
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
    private static final Set<String> PRODUCTS = Set.of("*", "/", "//", "%");

    private final List<Token> tokens;
    private final Map<Expr, Integer> heights = new IdentityHashMap<>();
    private int at;
    private int nesting;

    ExprParser(List<Token> tokens) {
        this.tokens = tokens;
    }

    final Token current() {
        return tokens.get(at);
    }

    final Token look() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    final Token advance() {
        Token t = current();
        if (at < tokens.size() - 1) {
            at++;
        }
        return t;
    }

    final TemplateException error(String message) {
        return TemplateException.syntax(message, current().line());
    }

    final TemplateException unexpected(String wanted) {
        return error("expected " + wanted + ", got " + current().describe());
    }

    final boolean skipOperator(String op) {
        if (current().isOperator(op)) {
            advance();
            return true;
        }
        return false;
    }

    final boolean skipName(String name) {
        if (current().isName(name)) {
            advance();
            return true;
        }
        return false;
    }

    final void expectOperator(String op) {
        if (!skipOperator(op)) {
            throw unexpected("'" + op + "'");
        }
    }

    final String expectName() {
        if (current().type() != Token.Type.NAME) {
            throw unexpected("a name");
        }
        return advance().text();
    }

    final void expect(Token.Type type, String description) {
        if (current().type() != type) {
            throw unexpected(description);
        }
        advance();
    }

    final void enter() {
        if (++nesting > MAX_NESTING) {
            throw TemplateException.limit("line " + current().line() + ": template nests more than " + MAX_NESTING + " levels deep");
        }
    }

    final void leave() {
        nesting--;
    }

    final int height(Expr e) {
        return e == null ? 0 : heights.getOrDefault(e, 1);
    }

    /** Notes how deep the tree below an expression is, so that evaluating it cannot exhaust the stack. */
    final <T extends Expr> T made(T e) {
        int h = 0;
        for (Expr part : e.parts()) {
            h = Math.max(h, height(part));
        }
        if (h >= MAX_HEIGHT) {
            throw TemplateException.limit("line " + current().line() + ": expression nests more than " + MAX_HEIGHT + " levels deep");
        }
        heights.put(e, h + 1);
        return e;
    }

    final Expr expression() {
        enter();
        try {
            Expr e = or();
            while (current().isName("if")) {
                int line = advance().line();
                Expr test = or();
                Expr otherwise = skipName("else") ? expression() : null;
                e = made(new Expr.Conditional(test, e, otherwise, line));
            }
            return e;
        } finally {
            leave();
        }
    }

    private Expr or() {
        Expr e = and();
        while (skipName("or")) {
            e = made(new Expr.Logical(false, e, and()));
        }
        return e;
    }

    private Expr and() {
        Expr e = not();
        while (skipName("and")) {
            e = made(new Expr.Logical(true, e, not()));
        }
        return e;
    }

    private Expr not() {
        if (!skipName("not")) {
            return compare();
        }
        enter();
        try {
            return made(new Expr.Not(not()));
        } finally {
            leave();
        }
    }

    private Expr compare() {
        Expr first = sum();
        List<String> ops = new ArrayList<>();
        List<Expr> operands = new ArrayList<>(List.of(first));
        while (true) {
            if (current().type() == Token.Type.OPERATOR && COMPARISONS.contains(current().text())) {
                ops.add(advance().text());
            } else if (skipName("in")) {
                ops.add("in");
            } else if (current().isName("not") && look().isName("in")) {
                advance();
                advance();
                ops.add("not in");
            } else {
                return ops.isEmpty() ? first : made(new Expr.Compare(ops, operands));
            }
            operands.add(sum());
        }
    }

    private Expr sum() {
        Expr e = concat();
        while (current().isOperator("+") || current().isOperator("-")) {
            e = made(new Expr.Binary(advance().text(), e, concat()));
        }
        return e;
    }

    private Expr concat() {
        Expr first = product();
        if (!current().isOperator("~")) {
            return first;
        }
        List<Expr> parts = new ArrayList<>(List.of(first));
        while (skipOperator("~")) {
            parts.add(product());
        }
        return made(new Expr.Concat(parts));
    }

    private Expr product() {
        Expr e = power();
        while (current().type() == Token.Type.OPERATOR && PRODUCTS.contains(current().text())) {
            e = made(new Expr.Binary(advance().text(), e, power()));
        }
        return e;
    }

    private Expr power() {
        Expr e = unary(true);
        while (skipOperator("**")) {
            e = made(new Expr.Binary("**", e, unary(true)));
        }
        return e;
    }

    private Expr unary(boolean withFilter) {
        Expr e;
        if (current().isOperator("-") || current().isOperator("+")) {
            enter();
            String op = advance().text();
            e = made(new Expr.Unary(op, unary(false)));
            leave();
        } else {
            e = primary();
        }
        e = postfix(e);
        return withFilter ? filters(e) : e;
    }

    final Expr primary() {
        Token t = current();
        switch (t.type()) {
            case NAME:
                advance();
                return switch (t.text()) {
                    case "true", "True" -> new Expr.Const(true);
                    case "false", "False" -> new Expr.Const(false);
                    case "none", "None" -> new Expr.Const(null);
                    default -> new Expr.Name(t.text());
                };
            case STRING:
                StringBuilder b = new StringBuilder();
                while (current().type() == Token.Type.STRING) {
                    b.append(advance().text());
                }
                return new Expr.Const(b.toString());
            case NUMBER:
                advance();
                return new Expr.Const(t.value());
            case OPERATOR:
                if (skipOperator("(")) {
                    Expr e = tuple(true, true, null);
                    expectOperator(")");
                    return e;
                }
                if (skipOperator("[")) {
                    return list();
                }
                if (skipOperator("{")) {
                    return dict();
                }
                break;
            default:
                break;
        }
        throw error("unexpected " + t.describe());
    }

    private Expr list() {
        List<Expr> items = new ArrayList<>();
        while (!current().isOperator("]")) {
            if (!items.isEmpty()) {
                expectOperator(",");
            }
            if (current().isOperator("]")) {
                break;
            }
            items.add(expression());
        }
        expectOperator("]");
        return made(new Expr.ListOf(items));
    }

    private Expr dict() {
        List<Expr> parts = new ArrayList<>();
        while (!current().isOperator("}")) {
            if (!parts.isEmpty()) {
                expectOperator(",");
            }
            if (current().isOperator("}")) {
                break;
            }
            parts.add(expression());
            expectOperator(":");
            parts.add(expression());
        }
        expectOperator("}");
        return made(new Expr.DictOf(parts));
    }

    /**
     * One expression, or several with commas between them.
     *
     * @param endName a name that ends the tuple, or null
     */
    final Expr tuple(boolean conditional, boolean parentheses, String endName) {
        List<Expr> items = new ArrayList<>();
        boolean isTuple = false;
        while (true) {
            if (!items.isEmpty()) {
                expectOperator(",");
            }
            if (endsTuple(endName)) {
                break;
            }
            items.add(conditional ? expression() : nestedOr());
            if (!current().isOperator(",")) {
                break;
            }
            isTuple = true;
        }
        if (!isTuple) {
            if (!items.isEmpty()) {
                return items.get(0);
            }
            if (!parentheses) {
                throw error("Expected an expression, got " + current().describe());
            }
        }
        return made(new Expr.TupleOf(items));
    }

    private Expr nestedOr() {
        enter();
        try {
            return or();
        } finally {
            leave();
        }
    }

    final boolean endsTuple(String endName) {
        Token t = current();
        return t.type() == Token.Type.VARIABLE_END || t.type() == Token.Type.BLOCK_END || t.isOperator(")")
                || (endName != null && t.isName(endName));
    }

    private Expr postfix(Expr operand) {
        Expr e = operand;
        while (true) {
            if (skipOperator(".")) {
                e = dotted(e);
            } else if (skipOperator("[")) {
                e = subscript(e);
            } else if (current().isOperator("(")) {
                e = made(new Expr.Call(e, arguments()));
            } else {
                return e;
            }
        }
    }

    private Expr dotted(Expr e) {
        Token t = advance();
        if (t.type() == Token.Type.NAME) {
            return made(new Expr.Attribute(e, t.text()));
        }
        if (t.type() == Token.Type.NUMBER && !(t.value() instanceof Double)) {
            return made(new Expr.Item(e, new Expr.Const(t.value())));
        }
        throw TemplateException.syntax("expected name or number", t.line());
    }

    private Expr subscript(Expr object) {
        List<Expr> keys = new ArrayList<>();
        Expr.Slice slice = null;
        boolean first = true;
        while (!current().isOperator("]")) {
            if (!first) {
                expectOperator(",");
            }
            first = false;
            Expr start = current().isOperator(":") ? null : expression();
            if (!skipOperator(":")) {
                keys.add(start);
                continue;
            }
            Expr stop = endsBound() ? null : expression();
            Expr step = skipOperator(":") && !endsBound() ? expression() : null;
            slice = made(new Expr.Slice(object, start, stop, step));
            keys.add(slice);
        }
        expectOperator("]");
        if (keys.size() == 1) {
            return slice != null ? slice : made(new Expr.Item(object, keys.get(0)));
        }
        if (slice != null) {
            throw error("a slice cannot be part of a tuple");
        }
        return made(new Expr.Item(object, made(new Expr.TupleOf(keys))));
    }

    private boolean endsBound() {
        return current().isOperator(":") || current().isOperator("]") || current().isOperator(",");
    }

    private Expr filters(Expr operand) {
        Expr e = operand;
        while (true) {
            if (current().isOperator("|")) {
                e = filter(e, false);
            } else if (current().isName("is")) {
                e = test(e);
            } else if (current().isOperator("(")) {
                e = made(new Expr.Call(e, arguments()));
            } else {
                return e;
            }
        }
    }

    /** A chain of filters; with {@code inline}, the first one comes without its {@code |}. */
    final Expr filter(Expr operand, boolean inline) {
        Expr e = operand;
        boolean first = inline;
        while (first || skipOperator("|")) {
            first = false;
            String name = dottedName();
            e = made(new Expr.Filter(e, name, current().isOperator("(") ? arguments() : Expr.Arguments.NONE));
        }
        return e;
    }

    private String dottedName() {
        StringBuilder name = new StringBuilder(expectName());
        while (skipOperator(".")) {
            name.append('.').append(expectName());
        }
        return name.toString();
    }

    private Expr test(Expr operand) {
        advance();
        boolean negated = skipName("not");
        String name = dottedName();
        Expr.Arguments arguments = Expr.Arguments.NONE;
        if (current().isOperator("(")) {
            arguments = arguments();
        } else if (startsArgument()) {
            if (current().isName("is")) {
                throw error("You cannot chain multiple tests with is");
            }
            arguments = new Expr.Arguments(List.of(postfix(primary())), Map.of(), null, null);
        }
        Expr e = made(new Expr.Test(operand, name, arguments));
        return negated ? made(new Expr.Not(e)) : e;
    }

    private boolean startsArgument() {
        Token t = current();
        return switch (t.type()) {
            case NAME -> !t.isName("else") && !t.isName("or") && !t.isName("and");
            case STRING, NUMBER -> true;
            default -> t.isOperator("(") || t.isOperator("[") || t.isOperator("{");
        };
    }

    final Expr.Arguments arguments() {
        expectOperator("(");
        List<Expr> pos = new ArrayList<>();
        Map<String, Expr> kw = new LinkedHashMap<>();
        Expr star = null;
        Expr doubleStar = null;
        boolean first = true;
        while (!current().isOperator(")")) {
            if (!first) {
                expectOperator(",");
                if (current().isOperator(")")) {
                    break;
                }
            }
            first = false;
            boolean valid;
            if (skipOperator("*")) {
                valid = star == null && doubleStar == null;
                star = expression();
            } else if (skipOperator("**")) {
                valid = doubleStar == null;
                doubleStar = expression();
            } else if (current().type() == Token.Type.NAME && look().isOperator("=")) {
                String key = advance().text();
                advance();
                valid = doubleStar == null && kw.put(key, expression()) == null;
            } else {
                valid = star == null && doubleStar == null && kw.isEmpty();
                pos.add(expression());
            }
            if (!valid) {
                throw error("invalid syntax for function call expression");
            }
        }
        expectOperator(")");
        return new Expr.Arguments(pos, kw, star, doubleStar);
    }
}
