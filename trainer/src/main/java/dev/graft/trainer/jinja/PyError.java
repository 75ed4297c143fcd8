package dev.graft.trainer.jinja;

/** A failure while rendering, with the Python exception that it stands for. */
final class PyError extends TemplateException {
    private static final long serialVersionUID = 1L;

    enum Type { TYPE, VALUE, UNDEFINED, ZERO_DIVISION, OVERFLOW, LOOKUP, SECURITY, OTHER }

    private final Type type;

    PyError(Type type, String message) {
        super(Kind.RUNTIME, message, 0);
        this.type = type;
    }

    Type type() {
        return type;
    }

    static PyError type(String message) {
        return new PyError(Type.TYPE, message);
    }

    static PyError value(String message) {
        return new PyError(Type.VALUE, message);
    }

    static PyError overflow(String message) {
        return new PyError(Type.OVERFLOW, message);
    }

    static PyError lookup(String message) {
        return new PyError(Type.LOOKUP, message);
    }

    static PyError other(String message) {
        return new PyError(Type.OTHER, message);
    }
}
