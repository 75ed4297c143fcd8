package dev.graft.trainer.jinja;

/**
 * A token of a template; {@code text} is the name, operator, string or template text, {@code value} the number.
 */
record Token(Type type, String text, Object value, int line) {
    enum Type { DATA, VARIABLE_BEGIN, VARIABLE_END, BLOCK_BEGIN, BLOCK_END, NAME, STRING, NUMBER, OPERATOR, EOF }

    boolean isOperator(String op) {
        return type == Type.OPERATOR && text.equals(op);
    }

    boolean isName(String name) {
        return type == Type.NAME && text.equals(name);
    }

    String describe() {
        return switch (type) {
            case DATA -> "template text";
            case VARIABLE_BEGIN -> "begin of print statement";
            case VARIABLE_END -> "end of print statement";
            case BLOCK_BEGIN -> "begin of statement block";
            case BLOCK_END -> "end of statement block";
            case EOF -> "end of template";
            case STRING -> "a string";
            default -> "'" + text + "'";
        };
    }
}
