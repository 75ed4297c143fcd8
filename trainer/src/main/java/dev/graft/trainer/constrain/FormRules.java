package dev.graft.trainer.constrain;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.util.automaton.Automaton;

/** Turns a {@link Form} into an expression over bytes and rules of a grammar. */
final class FormRules {
  private final Grammar grammar;
  private final JsonParts json;
  private final Map<Form, Expr> schemas = new HashMap<>();

  FormRules(Grammar grammar) {
    this.grammar = grammar;
    json = new JsonParts(grammar);
  }

  Expr expression(Form form) {
    if (form instanceof Form.Text text) {
      return Expr.text(text.text());
    } else if (form instanceof Form.Json value) {
      return schemas.computeIfAbsent(value, key -> schema(value.schema(), value.parameter(), null));
    } else if (form instanceof Form.Arguments framed) {
      return schemas.computeIfAbsent(framed, key -> schema(framed.schema(), framed.parameter(), new ArgumentParts(grammar, framed)));
    } else if (form instanceof Form.Free free) {
      return new Expr.Call(grammar.add("free text", text(free)));
    } else if (form instanceof Form.Sequence sequence) {
      return new Expr.Seq(all(sequence.items()));
    } else if (form instanceof Form.OneOf choice) {
      return new Expr.Alt(all(choice.items()));
    }
    return new Expr.Repeat(expression(((Form.Repeated) form).item()), 0, -1);
  }

  private List<Expr> all(List<Form> forms) {
    return forms.stream().map(this::expression).toList();
  }

  private static Automaton text(Form.Free free) {
    return Automatons.deterministic(Automatons.utf8(FreeText.without(free.without(), free.notJson())), "free text");
  }

  private Expr schema(JsonNode schema, String parameter, ArgumentParts arguments) {
    try {
      return new Expr.Call(new JsonSchema(schema, grammar, json, arguments).root());
    } catch (ConstraintException e) {
      throw ConstraintException.of(parameter, e.getMessage());
    }
  }
}
