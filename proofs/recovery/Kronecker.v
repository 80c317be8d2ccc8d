(** Kronecker substitution: the value and the whole gradient of an affine function from one query.

    With M = 2^k, the query point is y + t e_r + t M e_(r-1) + ... + t M^(r-1) e_1 for t = 2^-(s + k r). The answer
    times D / t, D a common denominator, is an integer whose balanced base-M digits are D times the gradient, last
    coordinate first, and whose rest is D f(y) 2^s. Lists here are in the order of the digits: last coordinate first. *)

From Coq Require Import ZArith QArith List Lia.
Import ListNotations.
Open Scope Z_scope.

(** ** Digits *)

Fixpoint encode (M : Z) (digits : list Z) (top : Z) : Z :=
  match digits with
  | [] => top
  | d :: ds => d + M * encode M ds top
  end.

(** The balanced digit in [-M/2, M - M/2). *)
Definition digit (M z : Z) : Z := (z + M / 2) mod M - M / 2.

Fixpoint decode (M : Z) (n : nat) (z : Z) : list Z * Z :=
  match n with
  | O => ([], z)
  | S n' => let d := digit M z in
            let (ds, top) := decode M n' ((z - d) / M) in (d :: ds, top)
  end.

Definition fits (M d : Z) : Prop := - (M / 2) <= d < M - M / 2.

Lemma digit_of_sum M d z : 0 < M -> fits M d -> digit M (d + M * z) = d.
Proof.
  unfold fits, digit. intros HM Hd. replace (d + M * z + M / 2) with (d + M / 2 + z * M) by ring.
  rewrite Z.mod_add by lia. rewrite Z.mod_small by lia. lia.
Qed.

Theorem decode_encode M ds top :
  0 < M -> Forall (fits M) ds -> decode M (length ds) (encode M ds top) = (ds, top).
Proof.
  intros HM. induction 1 as [|d ds Hd _ IH]; simpl; [reflexivity|].
  rewrite digit_of_sum by assumption.
  replace (d + M * encode M ds top - d) with (encode M ds top * M) by ring.
  rewrite Z.div_mul by lia. now rewrite IH.
Qed.

(** The bound in the form of the design: more than twice every numerator. *)
Lemma fits_when_small M d : 2 * Z.abs d < M -> fits M d.
Proof.
  unfold fits. intro H. pose proof (Z.div_mod M 2 ltac:(lia)). pose proof (Z.mod_pos_bound M 2 ltac:(lia)). lia.
Qed.

(** ** The query *)

Open Scope Q_scope.

(** The increments t, t M, t M^2, ... weighted by the gradient: f(query) - f(y). *)
Fixpoint increments (M : Z) (t : Q) (gradient : list Q) : Q :=
  match gradient with
  | [] => 0
  | g :: gs => g * t + increments M (t * inject_Z M) gs
  end.

Fixpoint power (M : Z) (n : nat) : Q := match n with O => 1 | S n' => inject_Z M * power M n' end.

Lemma answer_is_integer M D gradient digits : forall t value top,
  Forall2 (fun g G => inject_Z D * g == inject_Z G) gradient digits ->
  inject_Z D * value == t * power M (length gradient) * inject_Z top ->
  inject_Z D * (value + increments M t gradient) == t * inject_Z (encode M digits top).
Proof.
  intros t value top H. revert t value. induction H as [|g G gs Gs Hg _ IH]; intros t value Hv; simpl in *.
  - rewrite Qplus_0_r, Hv. ring.
  - rewrite inject_Z_plus, inject_Z_mult.
    setoid_replace (inject_Z D * (value + (g * t + increments M (t * inject_Z M) gs)))
      with (inject_Z D * (value + increments M (t * inject_Z M) gs) + (inject_Z D * g) * t) by ring.
    rewrite Hg, IH by (rewrite Hv; ring). ring.
Qed.

(** One query decodes: if the function has this value and gradient at y and is affine up to the query point, if D
    clears the gradient's denominators and D * value is [top] steps of t M^r, and if M is more than twice every
    numerator, then the digits of (answer * D / t) are the numerators and their rest is [top]. *)
Theorem one_query M D t value gradient digits top whole :
  ~ t == 0 -> (0 < D)%Z ->
  Forall2 (fun g G => inject_Z D * g == inject_Z G) gradient digits ->
  inject_Z D * value == t * power M (length gradient) * inject_Z top ->
  Forall (fun G => (2 * Z.abs G < M)%Z) digits -> (0 < M)%Z ->
  inject_Z D * (value + increments M t gradient) / t == inject_Z whole ->
  decode M (length gradient) whole = (digits, top).
Proof.
  intros Ht HD Hg Hv Hbound HM Hwhole.
  rewrite (answer_is_integer _ _ _ _ _ _ _ Hg Hv) in Hwhole.
  assert (inject_Z (encode M digits top) == inject_Z whole) as E
    by (rewrite <- Hwhole; field; assumption).
  unfold Qeq, inject_Z in E. simpl in E. rewrite !Z.mul_1_r in E. subst whole.
  assert (length gradient = length digits) as -> by (clear -Hg; induction Hg; simpl; congruence).
  apply decode_encode; [assumption|].
  eapply Forall_impl; [|exact Hbound]. intros G HG. now apply fits_when_small.
Qed.
