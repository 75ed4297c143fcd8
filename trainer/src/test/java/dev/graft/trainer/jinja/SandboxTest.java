package dev.graft.trainer.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.graft.trainer.jinja.TemplateException.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Hostile templates. */
class SandboxTest {
    private static final RenderOptions SMALL =
            RenderOptions.defaults().withMaxSteps(2_000_000).withMaxAllocation(20_000_000);

    private static Kind kindOf(String source, RenderOptions options) {
        Kind[] kind = new Kind[1];
        assertTimeoutPreemptively(Duration.ofSeconds(60), () -> {
            try {
                Template.parse(source).render(Map.of("x", 5), options);
            } catch (TemplateException e) {
                kind[0] = e.kind();
            }
        });
        return kind[0];
    }

    private static String grow(String start, String step) {
        return "{% set ns = namespace(x=" + start + ", y=" + start + ") %}{% for i in range(100000) %}{% set ns.x = " + step
                + " %}{% endfor %}";
    }

    static List<String> endless() {
        return List.of(
                "{% for i in range(10**9) %}{% endfor %}",
                "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
                "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
                "{{ 'a' * 10**9 }}", "{% set a = [1] * 10**9 %}", "{{ 9**9**9**9**9**9 }}", "{{ 9**(9**9) }}",
                "{{ 'a'.center(10**9) }}", "{{ '%*d' % (10**9, 1) }}", "{{ 'a\nb' | indent(10**9) }}",
                "{{ [1] | batch(10**9, 0) | list }}", "{{ [1] | slice(10**9, 0) | list }}", "{{ [[1]] | tojson(indent=10**9) }}",
                "{{ range(99999) | join('b' * 99999) }}", "{% set a = 'a' * 999999 %}{{ a.replace('', a) }}",
                grow("'ab'", "ns.x ~ ns.x"), grow("[1]", "ns.x + ns.x"), grow("3", "ns.x * ns.x"),
                grow("[1]", "[ns.x]") + "{{ ns.x }}", grow("[1]", "[ns.x]") + "{{ ns.x | tojson }}",
                grow("[1]", "ns.x | map('string')") + "{{ ns.x | list }}",
                grow("[1]", "[ns.x, ns.x]").replace("100000", "100") + "{{ ns.x }}",
                grow("(1,)", "(ns.x, ns.x)").replace("100000", "100") + "{{ {ns.x: 1} }}",
                grow("[1]", "[ns.x, ns.x]").replace("100000", "100") + "{{ ns.x | tojson }}",
                "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x }}",
                "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
                "{% macro f(n) %}{{ f(n) ~ f(n) }}{% endmacro %}{{ f(1) }}",
                "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
                "{% macro f() %}" + "{% if 1 %}".repeat(80) + "{{ " + "[".repeat(20) + "f()" + "]".repeat(20) + " }}"
                        + "{% endif %}".repeat(80) + "{% endmacro %}{{ f() }}",
                "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}", "{% block a %}{{ self.a() }}{% endblock %}",
                "{{ " + "(".repeat(99999) + "1" + ")".repeat(99999) + " }}", "{{ " + "[".repeat(99999), "{{ " + "not ".repeat(99999) + "1 }}",
                "{{ " + "- ".repeat(99999) + "1 }}", "{{ " + "1+".repeat(99999) + "1 }}", "{{ a" + ".b".repeat(99999) + " }}",
                "{{ 1" + "|abs".repeat(99999) + " }}", "{% if 1 %}".repeat(9999), "{{ f" + "()".repeat(99999) + " }}",
                "{{ " + "1 if 1 else ".repeat(9999) + "1 }}");
    }

    @ParameterizedTest
    @MethodSource("endless")
    void stopsTemplatesThatWouldNotEnd(String source) {
        assertThat(kindOf(source, SMALL)).isEqualTo(Kind.LIMIT);
    }

    @Test
    void survivesDeepRecursionOnASmallStack() throws InterruptedException {
        List<Kind> kinds = new ArrayList<>();
        Thread t = new Thread(null, () -> {
            kinds.add(kindOf("{% macro f() %}{{ [[[[[[[[f()]]]]]]]] }}{% endmacro %}{{ f() }}", SMALL));
            kinds.add(kindOf("{{ " + "(".repeat(119), SMALL));
        }, "small", 512 << 10);
        t.start();
        t.join();
        assertThat(kinds).containsExactly(Kind.LIMIT, Kind.SYNTAX);
    }

    @Test
    void allowsWhatRealTemplatesNeed() {
        String source = "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{% endif %}x{% endmacro %}{{ f(150) | length }}"
                + "{% for i in range(100000) %}{% endfor %}{{ " + "(".repeat(60) + "1" + ")".repeat(60) + " }}";
        assertThat(Template.parse(source).render(Map.of())).isEqualTo("1511");
    }

    @Test
    void limitsOutput() {
        RenderOptions options = RenderOptions.defaults().withMaxOutput(10);
        assertThat(Template.parse("{{ 'a' * 10 }}").render(Map.of(), options)).hasSize(10);
        assertThat(kindOf("{{ 'a' * 11 }}", options)).isEqualTo(Kind.LIMIT);
    }

    @Test
    void limitsTheSource() {
        assertThatThrownBy(() -> Template.parse("abcd", 3)).isInstanceOfSatisfying(TemplateException.class,
                e -> assertThat(e.kind()).isEqualTo(Kind.LIMIT));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{{ ''.__class__.__mro__ }}", "{{ ''['__class__']() }}", "{{ x.__init__() }}", "{{ [].append(1) }}",
        "{{ {}.update({}) }}", "{{ {}.pop('a') }}", "{{ cycler.__init__.__globals__ }}", "{% include 'x' %}"})
    void reachesNothingOutside(String source) {
        assertThat(kindOf(source, SMALL)).isEqualTo(Kind.RUNTIME);
    }

    @Test
    void leavesTheContextAlone() {
        List<Object> list = new ArrayList<>(List.of(1, 2));
        assertThat(Template.parse("{{ l.pop() }}{{ l }}").render(Map.of("l", list))).isEqualTo("2[1]");
        assertThat(list).containsExactly(1, 2);
    }
}
