package dev.graft.trainer.jinja;

/** The one exception that parsing and rendering a {@link Template} throws; {@link #kind()} says what went wrong. */
public class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What went wrong. */
    public enum Kind {
        /** The source is not a valid template. */
        SYNTAX,
        /** The template itself refused, by calling {@code raise_exception}; the message is the template's own. */
        RAISED,
        /** Rendering failed: an undefined variable was misused, types did not fit, and the like. */
        RUNTIME,
        /** A sandbox limit of {@link RenderOptions} (or of the parser) was exceeded. */
        LIMIT
    }

    private final Kind kind;
    private final int line;

    TemplateException(Kind kind, String message, int line) {
        super(message);
        this.kind = kind;
        this.line = line;
    }

    TemplateException(Kind kind, String message, int line, Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.line = line;
    }

    static TemplateException syntax(String message, int line) {
        return new TemplateException(Kind.SYNTAX, "line " + line + ": " + message, line);
    }

    static TemplateException limit(String message) {
        return new TemplateException(Kind.LIMIT, message, 0);
    }

    static TemplateException raised(String message) {
        return new TemplateException(Kind.RAISED, message, 0);
    }

    /** What went wrong. */
    public Kind kind() {
        return kind;
    }

    /** The line (from 1) of the template at fault, or 0 if unknown. */
    public int line() {
        return line;
    }
}
