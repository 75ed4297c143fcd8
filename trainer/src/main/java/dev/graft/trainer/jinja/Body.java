package dev.graft.trainer.jinja;

import java.util.List;

/** Statements that run in one frame. Immutable once {@link Symbols} has resolved it. */
final class Body {
    final List<Stmt> statements;
    /** How deep the syntax tree is below here. */
    final int height;
    private List<String> hidden = List.of();

    Body(List<Stmt> statements, int height) {
        this.statements = statements;
        this.height = height;
    }

    /** Names that the frame sets itself: until then they are undefined, even if the context has them. */
    void hide(List<String> names) {
        hidden = names;
    }

    /** Prepares a new frame for this body. */
    void open(Scope s) {
        for (String name : hidden) {
            s.set(name, Scope.UNSET);
        }
    }

    /** Opens the frame {@code s} and runs the statements in it. */
    Stmt.Flow exec(Render r, Scope s) {
        open(s);
        return run(r, s);
    }

    /** Runs the statements in a frame that is already open. */
    Stmt.Flow run(Render r, Scope s) {
        for (Stmt statement : statements) {
            Stmt.Flow flow = statement.exec(r, s);
            if (flow != Stmt.Flow.NEXT) {
                return flow;
            }
        }
        return Stmt.Flow.NEXT;
    }
}
