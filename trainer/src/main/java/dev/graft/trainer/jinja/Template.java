package dev.graft.trainer.jinja;

import java.util.Map;
import java.util.Objects;

/**
 * A chat template: Jinja2 3.1 as Hugging Face transformers sets it up (immutable sandbox, {@code trim_blocks},
 * {@code lstrip_blocks}, loop controls, {@code {% generation %}}, {@code tojson} without HTML or ASCII escaping,
 * {@code raise_exception}, {@code strftime_now}).
 *
 * <p>Immutable and thread-safe: parse once, render from any thread. Templates are untrusted: they reach nothing but
 * their context, and the limits of {@link RenderOptions} stop those that would run, recurse or grow without end.
 */
public final class Template {
    /** Longest source accepted by {@link #parse(String)}, in characters. */
    public static final int MAX_SOURCE = 4 << 20;

    private final Body body;

    private Template(Body body) {
        this.body = body;
    }

    /**
     * Parses a template.
     *
     * @throws TemplateException of kind SYNTAX (with the line), or LIMIT if the source is too long or nests too deeply
     */
    public static Template parse(String source) {
        return parse(source, MAX_SOURCE);
    }

    /**
     * Parses a template of at most {@code maxSource} characters.
     *
     * @throws TemplateException of kind SYNTAX (with the line), or LIMIT if the source is too long or nests too deeply
     */
    public static Template parse(String source, int maxSource) {
        Objects.requireNonNull(source, "source");
        if (source.length() > maxSource) {
            throw TemplateException.limit("template longer than " + maxSource + " characters");
        }
        try {
            Body body = new Parser(new Lexer(source).tokens()).parseTemplate();
            Symbols.resolve(body);
            return new Template(body);
        } catch (StackOverflowError e) {
            throw TemplateException.limit("template nests too deeply");
        }
    }

    /**
     * Renders with the variables of {@code context}: maps with string keys, lists, strings, numbers, booleans and
     * nulls, as Jackson reads JSON. The context is not changed.
     *
     * @throws TemplateException of kind RAISED, RUNTIME or LIMIT
     */
    public String render(Map<String, Object> context, RenderOptions options) {
        Objects.requireNonNull(context, "context");
        Render render = new Render(options);
        try {
            return render.run(body, context);
        } catch (TemplateException e) {
            throw render.located(e);
        } catch (StackOverflowError e) {
            throw new TemplateException(TemplateException.Kind.LIMIT, "recursion too deep", render.line());
        }
    }

    /** Renders with {@link RenderOptions#defaults()}. */
    public String render(Map<String, Object> context) {
        return render(context, RenderOptions.defaults());
    }
}
