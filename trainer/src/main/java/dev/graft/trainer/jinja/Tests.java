package dev.graft.trainer.jinja;

import java.util.List;
import java.util.Set;

/** The tests: {@code value is name(arguments)}. */
final class Tests {
    private static final Set<String> NAMES = Set.of("odd", "even", "divisibleby", "defined", "undefined", "filter", "test",
            "none", "boolean", "false", "true", "integer", "float", "lower", "upper", "string", "mapping", "number", "sequence",
            "iterable", "callable", "sameas", "escaped", "in", "==", "eq", "equalto", "!=", "ne", ">", "gt", "greaterthan",
            "ge", ">=", "<", "lt", "lessthan", "<=", "le");

    private Tests() {}

    static boolean exists(String name) {
        return NAMES.contains(name);
    }

    static boolean test(Render r, String name, Object v, Args args) {
        switch (name) {
            case "divisibleby":
                return Py.eq(r, Py.binary(r, "%", v, one(name, args)), 0L);
            case "sameas":
                return Py.same(v, one(name, args));
            case "in":
                return Py.contains(r, one(name, args), v);
            case "==", "eq", "equalto":
                return Py.eq(r, v, one(name, args));
            case "!=", "ne":
                return !Py.eq(r, v, one(name, args));
            case ">", "gt", "greaterthan":
                return Py.ordered(r, ">", v, one(name, args));
            case ">=", "ge":
                return Py.ordered(r, ">=", v, one(name, args));
            case "<", "lt", "lessthan":
                return Py.ordered(r, "<", v, one(name, args));
            case "<=", "le":
                return Py.ordered(r, "<=", v, one(name, args));
            default:
                args.bind("test " + name, 0);
                return test(r, name, v);
        }
    }

    private static Object one(String name, Args args) {
        return args.bind("test " + name, 1, "other")[0];
    }

    private static boolean test(Render r, String name, Object v) {
        return switch (name) {
            case "odd" -> Py.eq(r, Py.binary(r, "%", v, 2L), 1L);
            case "even" -> Py.eq(r, Py.binary(r, "%", v, 2L), 0L);
            case "defined" -> !(v instanceof Undefined);
            case "undefined" -> v instanceof Undefined;
            case "filter" -> Py.text(v) != null && Filters.exists(Py.text(v));
            case "test" -> Py.text(v) != null && exists(Py.text(v));
            case "none" -> v == null;
            case "boolean" -> v instanceof Boolean;
            case "false" -> Boolean.FALSE.equals(v);
            case "true" -> Boolean.TRUE.equals(v);
            case "integer" -> Num.isInt(v) && !(v instanceof Boolean);
            case "float" -> v instanceof Double;
            case "lower" -> (Boolean) StrMethods.call(r, Py.str(r, v), "islower", Args.NONE);
            case "upper" -> (Boolean) StrMethods.call(r, Py.str(r, v), "isupper", Args.NONE);
            case "string" -> Py.text(v) != null;
            case "mapping" -> v instanceof PyDict;
            case "number" -> Num.of(v) != null;
            case "sequence" -> Py.text(v) != null || v instanceof List || v instanceof PyDict || v instanceof PyObjects.Range
                    || v instanceof Undefined;
            case "iterable" -> Py.isIterable(v);
            case "callable" -> v instanceof PyObjects.Callable || v instanceof Undefined;
            case "escaped" -> v instanceof Values.Markup;
            default -> throw PyError.other("No test named '" + name + "'.");
        };
    }
}
