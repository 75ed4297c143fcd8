package dev.graft.trainer.jinja;

/** What Jinja2 makes of something missing: prints as nothing, is false and empty, and fails on any other use. */
final class Undefined {
    static final Object MISSING = new Object();

    private final String hint;
    private final Object owner;
    private final Object name;
    private final boolean unsafe;

    /** Something missing; {@code owner} is {@link #MISSING} for a variable. */
    Undefined(String hint, Object owner, Object name) {
        this(hint, owner, name, false);
    }

    private Undefined(String hint, Object owner, Object name, boolean unsafe) {
        this.hint = hint;
        this.owner = owner;
        this.name = name;
        this.unsafe = unsafe;
    }

    static Undefined hint(String hint) {
        return new Undefined(hint, MISSING, null);
    }

    /** An attribute that the sandbox denies. */
    static Undefined unsafe(Object owner, String name) {
        String hint = "access to attribute '" + name + "' of '" + Py.typeName(owner) + "' object is unsafe.";
        return new Undefined(hint, owner, name, true);
    }

    PyError error() {
        return new PyError(unsafe ? PyError.Type.SECURITY : PyError.Type.UNDEFINED, message());
    }

    private String message() {
        if (hint != null) {
            return hint;
        }
        if (owner == MISSING) {
            return "'" + name + "' is undefined";
        }
        String type = owner == null ? "None" : Py.typeName(owner) + " object";
        return name instanceof String
                ? "'" + type + "' has no attribute '" + name + "'"
                : type + " has no element " + (name instanceof Number ? name : Py.typeName(name));
    }
}
