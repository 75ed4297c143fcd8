package dev.graft.trainer.constrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.trainer.tokenizer.TestVocabularies;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Texts and JSON put together. */
class FormTest {
  private static final Vocabulary BPE = Walks.bpe();
  private static final Constraints FORMS = Constraints.of(BPE);

  private static JsonNode node(String text) {
    try {
      return new ObjectMapper().readTree(text.replace('\'', '"'));
    } catch (java.io.IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Each of the two has a {@code #/$defs} of its own, which mean different things. */
  private static Form call(String name, String type) {
    return Form.sequence(new Form.Text(name + "="), new Form.Json(node("{'$defs':{'v':{'type':'" + type + "'}},'type':'object','properties':{'x':{'$ref':'#/$defs/v'}},'required':['x']}"), "tools." + name));
  }

  private static Form calls() {
    Form one = new Form.OneOf(List.of(call("ab", "boolean"), call("abc", "null")));
    return Form.sequence(new Form.Text("<\u20ac>"), one, new Form.Repeated(Form.sequence(new Form.Text("; "), one)), new Form.Text("."));
  }

  @Test
  void partsFollowEachOther() {
    TokenConstraint form = FORMS.form(calls());
    Random random = new Random(3);
    boolean several = false;
    for (int i = 0; i < 60; i++) {
      String text = Walks.answer(form, BPE, random, 30);
      String one = "(ab=\\{\\s*\"x\" ?:\\s*(true|false)\\s*\\}|abc=\\{\\s*\"x\" ?:\\s*null\\s*\\})";
      assertThat(text).matches("<\u20ac>" + one + "(; " + one + ")*\\.");
      several |= text.contains(";");
    }
    assertThat(several).isTrue();
    for (String text : List.of("<\u20ac>ab={\"x\": true}.", "<\u20ac>abc={\"x\":null}; ab={\"x\":false}; ab={\"x\":false}.")) {
      assertThat(Walks.accepts(form, BPE, text, random)).as(text).isTrue();
    }
    for (String text : List.of("<\u20ac>ab={\"x\":null}.", "<\u20ac>abc={\"x\":true}.", "<\u20ac>.", "<\u20ac>ab={\"x\":true};.", "ab={\"x\":true}.", "<\u20ac>ab={\"x\":true}")) {
      assertThat(Walks.accepts(form, BPE, text, random)).as(text).isFalse();
    }
  }

  @Test
  void freeTextUpToAMarker() {
    Form free = new Form.Free(List.of("<ab", "bc"), false);
    TokenConstraint form = FORMS.form(new Form.OneOf(List.of(free, Form.sequence(free, new Form.Text("<ab"), new Form.Json(node("{'enum':[12]}"), "x")))));
    Random random = new Random(4);
    for (String text : List.of("", "a<a b\u20ac", "<<ab12", "x<a <ab12", "<a")) {
      assertThat(Walks.accepts(form, BPE, text, random)).as(text).isTrue();
    }
    for (String text : List.of("<ab", "<ab1", "<ab13", "abc", "<ab12 ", "x<ab12<ab12")) {
      assertThat(Walks.accepts(form, BPE, text, random)).as(text).isFalse();
    }
    for (int i = 0; i < 40; i++) {
      assertThat(Walks.answer(form, BPE, random, 20)).matches("(?s)((?!<ab|bc).)*(<ab12)?");
    }
    TokenConstraint noJson = FORMS.form(new Form.Free(List.of(), true));
    assertThat(Walks.accepts(noJson, BPE, "a {\"", random)).isTrue();
    assertThat(Walks.accepts(noJson, BPE, " \n{\"", random)).isFalse();
  }

  @Test
  void equalFormsAreKept() {
    assertThat(FORMS.form(calls())).isSameAs(FORMS.form(calls())).isNotSameAs(FORMS.form(new Form.Text("<")));
  }

  @Test
  void aSchemaAtFaultIsNamed() {
    assertThatThrownBy(() -> new Form.Json(node("[]"), "tools[1]")).isInstanceOfSatisfying(ConstraintException.class, e -> assertThat(e.parameter()).contains("tools[1]"));
    Form unknown = new Form.Json(node("{'type':'object','unheardOf':1}"), "tools[2].function.parameters");
    assertThatThrownBy(() -> FORMS.form(unknown)).hasMessageContaining("#/unheardOf")
        .isInstanceOfSatisfying(ConstraintException.class, e -> assertThat(e.parameter()).contains("tools[2].function.parameters"));
  }

  @Test
  void specialTokensThatAreShownMayWriteIt() {
    Vocabulary v = TestVocabularies.read(TestVocabularies.bpe("tekken", "<s>", "</s>", "<s>", "</s>", "[CALL]"));
    int call = v.size() - 1;
    assertThat(v.text(call)).isEqualTo("[CALL]");
    Form form = Form.sequence(new Form.Text("[CALL]"), new Form.Json(node("{'enum':[1]}"), "x"));
    assertThat(Walks.has(Constraints.of(v).form(form).start().allowed(), call)).isFalse();
    ConstraintState state = Constraints.of(v, Set.of(call)).form(form).start();
    assertThat(Walks.has(state.allowed(), call)).isTrue();
    state.accept(call);
    assertThat(Walks.tokens(state.allowed())).containsExactly('1');
    assertThat(Walks.has(Constraints.of(v, Set.of(call)).form(new Form.Text("x")).start().allowed(), call)).isFalse();
  }
}
