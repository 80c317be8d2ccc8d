(** Arithmetic of affine forms in Z, one denominator a form, and its meaning over Q.

    Terms are kept in ascending order of their index without zero coefficients: that makes equal vectors equal lists.
    Soundness does not rest on the order, so no lemma mentions it. Every loop is a tail call: rows may be
    100,000 entries long. *)

From Coq Require Import QArith ZArith NArith List Lia Lqa.
From Exactre Require Import Network.
Import ListNotations.
Open Scope Q_scope.

(** An affine form: the sum of [c * (value number i)] over its pairs [(i, c)], divided by [den]. *)
Record form := Form { den : positive; terms : list (N * Z) }.

Fixpoint sum_terms (value : N -> Q) (ts : list (N * Z)) : Q :=
  match ts with
  | [] => 0
  | (i, c) :: rest => inject_Z c * value i + sum_terms value rest
  end.

Definition eval (value : N -> Q) (f : form) : Q := sum_terms value (terms f) * (1 # den f).

Definition variable (i : N) : form := Form 1 [(i, 1%Z)].
Definition constant (q : Q) : form := Form (Qden q) (if Z.eqb (Qnum q) 0 then [] else [(0%N, Qnum q)]).
Definition zero : form := Form 1 [].

(** [scale m ts] is [m * ts]; [rev_append] twice, for tail calls. *)
Definition scale (m : Z) (ts : list (N * Z)) : list (N * Z) :=
  rev_append (fold_left (fun acc ic => (fst ic, (m * snd ic)%Z) :: acc) ts []) [].

(** Sum of two lists of terms, in ascending order if both are; [acc] is the result so far, reversed. *)
Fixpoint merge (a : list (N * Z)) : list (N * Z) -> list (N * Z) -> list (N * Z) :=
  fix merge_b (b acc : list (N * Z)) : list (N * Z) :=
    match a, b with
    | [], _ => rev_append acc b
    | _, [] => rev_append acc a
    | (i, x) :: a', (j, y) :: b' =>
        match N.compare i j with
        | Lt => merge a' b ((i, x) :: acc)
        | Gt => merge_b b' ((j, y) :: acc)
        | Eq => let s := (x + y)%Z in merge a' b' (if Z.eqb s 0 then acc else (i, s) :: acc)
        end
    end.

(** A binary counter of lists, as in merge sort: place k is empty or holds the sum of 2^k lists. *)
Fixpoint push (ts : list (N * Z)) (stack : list (option (list (N * Z)))) : list (option (list (N * Z))) :=
  match stack with
  | [] => [Some ts]
  | None :: s => Some ts :: s
  | Some other :: s => None :: push (merge other ts []) s
  end.

Definition collapse (stack : list (option (list (N * Z)))) : list (N * Z) :=
  fold_left (fun acc place => match place with None => acc | Some ts => merge ts acc [] end) stack [].

Definition before (i : N) (ts : list (N * Z)) : bool :=
  match ts with [] => true | (j, _) :: _ => N.ltb i j end.

(** Adds all [q * f] over the common denominator [L]. Single terms that arrive in descending order of their index
    (the usual case: a row over inputs or atoms) lengthen [current] without any merge. *)
Fixpoint gather (L : positive) (fs : list (Q * form)) (current : list (N * Z))
    (stack : list (option (list (N * Z)))) : list (N * Z) :=
  match fs with
  | [] => collapse (push current stack)
  | (q, f) :: rest =>
      let m := (Qnum q * (Zpos L / Zpos (Qden q * den f)))%Z in
      if Z.eqb m 0 then gather L rest current stack
      else match terms f with
      | [(i, a)] => if before i current then gather L rest ((i, (m * a)%Z) :: current) stack
                    else gather L rest [(i, (m * a)%Z)] (push current stack)
      | ts => gather L rest (scale m ts) (push current stack)
      end
  end.

(** The least common multiple; the division first, since most denominators divide the one so far. *)
Definition pos_lcm (a b : positive) : positive :=
  if Z.eqb (Zpos a / Zpos b * Zpos b) (Zpos a) then a else Z.to_pos (Z.lcm (Zpos a) (Zpos b)).

Definition common_den (fs : list (Q * form)) : positive :=
  fold_left (fun L qf => pos_lcm L (Qden (fst qf) * den (snd qf))) fs 1%positive.

(** A divisor of [g] and of all coefficients, the greatest; 1 ends the search. *)
Fixpoint content (g : Z) (ts : list (N * Z)) : Z :=
  if Z.eqb g 1 then 1
  else match ts with
  | [] => g
  | (_, c) :: rest => content (Z.gcd g c) rest
  end.

(** The same form in lowest terms, so that numbers do not grow from layer to layer. *)
Definition lowest (f : form) : form :=
  let g := content (Zpos (den f)) (terms f) in
  if Z.eqb g 1 then f
  else Form (Z.to_pos (Zpos (den f) / g))
            (rev_append (fold_left (fun acc ic => (fst ic, (snd ic / g)%Z) :: acc) (terms f) []) []).

(** The sum of all [q * f]. *)
Definition combination (fs : list (Q * form)) : form :=
  let L := common_den fs in lowest (Form L (gather L fs [] [])).

Definition is_zero (f : form) : bool := forallb (fun ic => Z.eqb (snd ic) 0) (terms f).

(** The number that a form is, if it has no index but 0. *)
Definition constant_value (f : form) : option Q :=
  match terms f with
  | [] => Some 0
  | [(i, c)] => if N.eqb i 0 then Some (c # den f) else None
  | _ => None
  end.

Fixpoint same_terms (p q : Z) (a b : list (N * Z)) : bool :=
  match a, b with
  | [], [] => true
  | (i, x) :: a', (j, y) :: b' => if N.eqb i j && Z.eqb (p * x) (q * y) then same_terms p q a' b' else false
  | _, _ => false
  end.

(** [is_multiple u s e]: [u = s * e] as vectors. The gcd keeps the products short. *)
Definition is_multiple (u : form) (s : Q) (e : form) : bool :=
  let p := (Zpos (Qden s) * Zpos (den e))%Z in
  let q := (Qnum s * Zpos (den u))%Z in
  let g := Z.gcd p q in
  same_terms (p / g) (q / g) (terms u) (terms e).

Fixpoint coefficient (i : N) (ts : list (N * Z)) : Z :=
  match ts with
  | [] => 0%Z
  | (j, c) :: rest => if N.eqb i j then c else coefficient i rest
  end.

(** [substitute f key e]: [f] with the value number [key] replaced by the form [e]. *)
Definition substitute (f : form) (key : N) (e : form) : form :=
  let c := coefficient key (terms f) in
  if Z.eqb c 0 then f
  else combination [(1, f); ((- c)%Z # den f, variable key); (c # den f, e)].

(** ** Meaning *)

Section Meaning.
Variable v : N -> Q.

Lemma sum_rev_append a b : sum_terms v (rev_append a b) == sum_terms v a + sum_terms v b.
Proof.
  revert b. induction a as [|[i c] a IH]; intro b; simpl.
  - ring.
  - rewrite IH. simpl. ring.
Qed.

Lemma sum_scale m ts : sum_terms v (scale m ts) == inject_Z m * sum_terms v ts.
Proof.
  unfold scale. rewrite sum_rev_append. simpl.
  enough (forall acc, sum_terms v (fold_left (fun acc ic => (fst ic, (m * snd ic)%Z) :: acc) ts acc)
                      == sum_terms v acc + inject_Z m * sum_terms v ts) as ->.
  { simpl. ring. }
  induction ts as [|[i c] ts IH]; intro acc; simpl.
  - ring.
  - rewrite IH. simpl. rewrite inject_Z_mult. ring.
Qed.

Lemma sum_merge a b acc :
  sum_terms v (merge a b acc) == sum_terms v acc + sum_terms v a + sum_terms v b.
Proof.
  revert b acc. induction a as [|[i x] a IHa]; intros b acc.
  - destruct b; simpl; rewrite sum_rev_append; simpl; ring.
  - revert acc. induction b as [|[j y] b IHb]; intro acc.
    + simpl. rewrite sum_rev_append. simpl. ring.
    + simpl. destruct (N.compare i j) eqn:E.
      * apply N.compare_eq in E. subst j. rewrite IHa.
        destruct (Z.eqb (x + y) 0) eqn:Z0.
        -- apply Z.eqb_eq in Z0.
           assert (inject_Z x + inject_Z y == 0) as H by (rewrite <- inject_Z_plus, Z0; reflexivity).
           setoid_replace (inject_Z y) with (- inject_Z x) by lra. ring.
        -- simpl. rewrite inject_Z_plus. ring.
      * rewrite IHa. simpl. ring.
      * rewrite IHb. simpl. ring.
Qed.

Fixpoint sum_stack (stack : list (option (list (N * Z)))) : Q :=
  match stack with
  | [] => 0
  | None :: s => sum_stack s
  | Some ts :: s => sum_terms v ts + sum_stack s
  end.

Lemma sum_push ts stack : sum_stack (push ts stack) == sum_terms v ts + sum_stack stack.
Proof.
  revert ts. induction stack as [|[other|] s IH]; intro ts; simpl; try ring.
  rewrite IH, sum_merge. simpl. ring.
Qed.

Lemma sum_collapse stack : sum_terms v (collapse stack) == sum_stack stack.
Proof.
  unfold collapse.
  enough (forall acc, sum_terms v (fold_left (fun acc place =>
            match place with None => acc | Some ts => merge ts acc [] end) stack acc)
            == sum_terms v acc + sum_stack stack) as -> by (simpl; ring).
  induction stack as [|[ts|] s IH]; intro acc; simpl.
  - ring.
  - rewrite IH, sum_merge. simpl. ring.
  - apply IH.
Qed.

Lemma pos_lcm_left a b : (Zpos a | Zpos (pos_lcm a b))%Z.
Proof.
  unfold pos_lcm. destruct (Z.eqb _ _).
  - apply Z.divide_refl.
  - rewrite Z2Pos.id; [apply Z.divide_lcm_l|].
    assert (Z.lcm (Zpos a) (Zpos b) <> 0)%Z by (rewrite Z.lcm_eq_0; lia).
    pose proof (Z.lcm_nonneg (Zpos a) (Zpos b)). lia.
Qed.

Lemma pos_lcm_right a b : (Zpos b | Zpos (pos_lcm a b))%Z.
Proof.
  unfold pos_lcm. destruct (Z.eqb_spec (Zpos a / Zpos b * Zpos b) (Zpos a)) as [E|_].
  - exists (Zpos a / Zpos b)%Z. now symmetry.
  - rewrite Z2Pos.id; [apply Z.divide_lcm_r|].
    assert (Z.lcm (Zpos a) (Zpos b) <> 0)%Z by (rewrite Z.lcm_eq_0; lia).
    pose proof (Z.lcm_nonneg (Zpos a) (Zpos b)). lia.
Qed.

Definition product_den (qf : Q * form) : positive := Qden (fst qf) * den (snd qf).

Lemma common_den_divides fs : Forall (fun qf => (Zpos (product_den qf) | Zpos (common_den fs))%Z) fs.
Proof.
  unfold common_den.
  assert (forall l L, let L' := fold_left (fun L qf => pos_lcm L (product_den qf)) l L in
    (Zpos L | Zpos L')%Z /\ Forall (fun qf => (Zpos (product_den qf) | Zpos L')%Z) l) as H.
  { induction l as [|qf l IH]; intro L; simpl.
    - split; [apply Z.divide_refl | constructor].
    - destruct (IH (pos_lcm L (product_den qf))) as [H1 H2]. split; [|constructor]; try assumption.
      + eapply Z.divide_trans; [apply pos_lcm_left | apply H1].
      + eapply Z.divide_trans; [apply pos_lcm_right | apply H1]. }
  apply H.
Qed.

Lemma factor_over q d L : (Zpos (Qden q * d) | Zpos L)%Z ->
  inject_Z (Qnum q * (Zpos L / Zpos (Qden q * d))) * (1 # L) == q * (1 # d).
Proof.
  intros [k H].
  assert (Zpos L / Zpos (Qden q * d) = k)%Z as -> by (rewrite H; apply Z.div_mul; lia).
  destruct q as [n e]. unfold Qeq, inject_Z, Qmult. cbn [Qnum Qden] in *.
  rewrite !Z.mul_1_r, !Pos.mul_1_l, H. ring.
Qed.

(** The value of a list of products. *)
Fixpoint sum_forms (fs : list (Q * form)) : Q :=
  match fs with
  | [] => 0
  | (q, f) :: rest => q * eval v f + sum_forms rest
  end.

Lemma sum_gather L fs current stack :
  Forall (fun qf => (Zpos (product_den qf) | Zpos L)%Z) fs ->
  sum_terms v (gather L fs current stack) * (1 # L)
  == (sum_terms v current + sum_stack stack) * (1 # L) + sum_forms fs.
Proof.
  revert current stack. induction fs as [|[q f] fs IH]; intros current stack H.
  - simpl. rewrite sum_collapse, sum_push. ring.
  - inversion H as [|qf l Hd Hrest]; subst.
    pose proof (factor_over q _ _ Hd) as E. cbn [fst snd] in E.
    cbn [gather sum_forms]. unfold eval.
    set (m := (Qnum q * (Zpos L / Zpos (Qden q * den f)))%Z) in *.
    (* Both branches below give [current] to the stack and start a new list. *)
    assert (forall new ts, sum_terms v new == inject_Z m * sum_terms v ts ->
      (sum_terms v new + sum_stack (push current stack)) * (1 # L) + sum_forms fs ==
      (sum_terms v current + sum_stack stack) * (1 # L) + (q * (sum_terms v ts * (1 # den f)) + sum_forms fs)) as New.
    { intros new ts ->. rewrite sum_push.
      setoid_replace ((inject_Z m * sum_terms v ts + (sum_terms v current + sum_stack stack)) * (1 # L))
        with ((inject_Z m * (1 # L)) * sum_terms v ts + (sum_terms v current + sum_stack stack) * (1 # L)) by ring.
      rewrite E. ring. }
    destruct (Z.eqb_spec m 0) as [M0|_].
    { rewrite IH by assumption. rewrite M0 in E. change (inject_Z 0) with 0 in E.
      setoid_replace (q * (sum_terms v (terms f) * (1 # den f))) with ((q * (1 # den f)) * sum_terms v (terms f))
        by ring.
      rewrite <- E. ring. }
    destruct (terms f) as [|[i a] [|t ts]].
    + rewrite IH by assumption. apply New, sum_scale.
    + destruct (before i current).
      * rewrite IH by assumption. simpl. rewrite inject_Z_mult.
        setoid_replace ((inject_Z m * inject_Z a * v i + sum_terms v current + sum_stack stack) * (1 # L))
          with ((inject_Z m * (1 # L)) * (inject_Z a * v i)
                + (sum_terms v current + sum_stack stack) * (1 # L)) by ring.
        rewrite E. ring.
      * rewrite IH by assumption. apply New. simpl. rewrite inject_Z_mult. ring.
    + rewrite IH by assumption. apply New, sum_scale.
Qed.

Lemma content_divides ts : forall g, (content g ts | g)%Z /\ Forall (fun ic => (content g ts | snd ic)%Z) ts.
Proof.
  induction ts as [|[i c] ts IH]; intro g; cbn [content]; destruct (Z.eqb_spec g 1) as [->|_].
  - split; [apply Z.divide_refl|constructor].
  - split; [apply Z.divide_refl|constructor].
  - split; [apply Z.divide_refl|]. apply Forall_forall. intros ic _. apply Z.divide_1_l.
  - destruct (IH (Z.gcd g c)) as [H1 H2]. split; [|constructor; [|exact H2]]; cbn [snd];
      (eapply Z.divide_trans; [exact H1|]); [apply Z.gcd_divide_l|apply Z.gcd_divide_r].
Qed.

Lemma sum_divided g ts acc : Forall (fun ic => (g | snd ic)%Z) ts -> g <> 0%Z ->
  inject_Z g * sum_terms v (fold_left (fun acc ic => (fst ic, (snd ic / g)%Z) :: acc) ts acc)
  == inject_Z g * sum_terms v acc + sum_terms v ts.
Proof.
  intros H Hg. revert acc. induction H as [|[i c] ts [k Hk] _ IH]; intro acc; cbn [fold_left sum_terms]; [ring|].
  cbn [fst snd] in *. rewrite IH. cbn [sum_terms]. subst c. rewrite Z.div_mul, inject_Z_mult by assumption. ring.
Qed.

Lemma content_nonneg ts : forall g, (0 <= g)%Z -> (0 <= content g ts)%Z.
Proof.
  induction ts as [|[i c] ts IH]; intros g Hg; cbn [content]; destruct (Z.eqb g 1); try lia.
  apply IH, Z.gcd_nonneg.
Qed.

Lemma eval_lowest f : eval v (lowest f) == eval v f.
Proof.
  unfold lowest. destruct (content_divides (terms f) (Zpos (den f))) as [[d Hd] Hts].
  pose proof (content_nonneg (terms f) (Zpos (den f)) ltac:(lia)) as Hn.
  set (g := content (Zpos (den f)) (terms f)) in *. destruct (Z.eqb g 1); [reflexivity|].
  assert (g <> 0)%Z as Hg by (intro E; rewrite E, Z.mul_0_r in Hd; discriminate).
  assert (0 < d)%Z as Hdpos by nia.
  pose proof (sum_divided g (terms f) [] Hts ltac:(lia)) as S.
  unfold eval. cbn [terms den]. rewrite sum_rev_append, Hd, Z.div_mul by lia.
  set (T := sum_terms v (fold_left _ (terms f) [])) in *. cbn [sum_terms] in S.
  rewrite Qmult_0_r, Qplus_0_l in S. rewrite <- S. cbn [sum_terms].
  assert (1 # Z.to_pos d == inject_Z g * (1 # den f)) as ->; [|ring].
  unfold Qeq, inject_Z, Qmult. cbn [Qnum Qden]. rewrite Pos.mul_1_l, Hd, Z2Pos.id by lia. lia.
Qed.

Lemma eval_combination fs : eval v (combination fs) == sum_forms fs.
Proof.
  unfold combination. rewrite eval_lowest. unfold eval. cbn [terms den].
  rewrite sum_gather by apply common_den_divides. simpl. ring.
Qed.

Lemma eval_zero : eval v zero == 0.
Proof. unfold eval. simpl. ring. Qed.

Lemma eval_variable i : eval v (variable i) == v i.
Proof. unfold eval. simpl. ring. Qed.

Lemma eval_constant q : v 0%N == 1 -> eval v (constant q) == q.
Proof.
  intro one. unfold eval. unfold constant. cbn [terms den].
  destruct (Z.eqb_spec (Qnum q) 0) as [E|E]; cbn [sum_terms].
  - destruct q as [p d]. simpl in *. subst. reflexivity.
  - rewrite one. destruct q as [p d]. unfold Qeq, Qmult, Qplus, inject_Z. simpl. lia.
Qed.

Lemma eval_is_zero f : is_zero f = true -> eval v f == 0.
Proof.
  unfold is_zero. unfold eval. intro H.
  enough (sum_terms v (terms f) == 0) as -> by ring.
  induction (terms f) as [|[i c] ts IH]; simpl in *.
  - reflexivity.
  - apply andb_prop in H as [H1 H2]. apply Z.eqb_eq in H1. rewrite IH, H1 by assumption. ring.
Qed.

Lemma eval_constant_value f q : v 0%N == 1 -> constant_value f = Some q -> eval v f == q.
Proof.
  unfold constant_value. unfold eval. intro one.
  destruct (terms f) as [|[i c] [|t ts]]; try discriminate.
  - intros [= <-]. simpl. ring.
  - destruct (N.eqb_spec i 0) as [->|]; [|discriminate]. intros [= <-]. simpl. rewrite one.
    unfold Qeq, Qmult, Qplus, inject_Z. simpl. lia.
Qed.

Lemma sum_same_terms p q a b :
  same_terms p q a b = true -> inject_Z p * sum_terms v a == inject_Z q * sum_terms v b.
Proof.
  revert b. induction a as [|[i x] a IH]; intros [|[j y] b]; simpl; try discriminate.
  - intros _. ring.
  - destruct (N.eqb i j && Z.eqb (p * x) (q * y)) eqn:E; [|discriminate]. intro H.
    apply andb_prop in E as [E1 E2]. apply N.eqb_eq in E1. apply Z.eqb_eq in E2. subst j.
    apply IH in H.
    assert (inject_Z p * inject_Z x == inject_Z q * inject_Z y) as K
      by (rewrite <- !inject_Z_mult, E2; reflexivity).
    rewrite !Qmult_plus_distr_r, H, !Qmult_assoc, K. reflexivity.
Qed.

Lemma eval_is_multiple u s e : is_multiple u s e = true -> eval v u == s * eval v e.
Proof.
  unfold is_multiple. unfold eval.
  set (p := (Zpos (Qden s) * Zpos (den e))%Z). set (q := (Qnum s * Zpos (den u))%Z).
  intro H. apply sum_same_terms in H.
  assert (forall g k, (g | k)%Z -> g * (k / g) = k)%Z as exact.
  { intros g k [m ->]. destruct (Z.eq_dec g 0) as [->|].
    - rewrite !Z.mul_0_r. reflexivity.
    - rewrite Z.div_mul by assumption. apply Z.mul_comm. }
  assert (inject_Z p * sum_terms v (terms u) == inject_Z q * sum_terms v (terms e)) as K.
  { set (g := Z.gcd p q) in *.
    assert (p = g * (p / g))%Z as -> by (symmetry; apply exact, Z.gcd_divide_l).
    assert (q = g * (q / g))%Z as -> by (symmetry; apply exact, Z.gcd_divide_r).
    rewrite !inject_Z_mult, <- !Qmult_assoc, H. reflexivity. }
  unfold p, q in K. rewrite !inject_Z_mult in K.
  destruct s as [sn sd]. cbn [Qnum Qden] in K.
  assert (forall d, inject_Z (Zpos d) * (1 # d) == 1) as unit
    by (intro d; unfold Qeq, inject_Z, Qmult; simpl; lia).
  setoid_replace (sn # sd) with (inject_Z sn * (1 # sd))
    by (unfold Qeq, inject_Z, Qmult; simpl; lia).
  rewrite <- (Qmult_1_l (sum_terms v (terms u) * _)), <- (unit sd), <- (Qmult_1_l (inject_Z _ * (1 # sd))),
    <- (unit (den e)).
  setoid_replace (inject_Z (Zpos (den e)) * (1 # den e) * (inject_Z (Zpos sd) * (1 # sd))
                  * (sum_terms v (terms u) * (1 # den u)))
    with ((inject_Z (Zpos sd) * inject_Z (Zpos (den e)) * sum_terms v (terms u))
          * (1 # den e) * (1 # sd) * (1 # den u)) by ring.
  rewrite K.
  setoid_replace (inject_Z sn * inject_Z (Zpos (den u)) * sum_terms v (terms e)
                  * (1 # den e) * (1 # sd) * (1 # den u))
    with ((inject_Z (Zpos (den u)) * (1 # den u)) * inject_Z sn * (1 # sd)
          * (sum_terms v (terms e) * (1 # den e))) by ring.
  rewrite !unit. ring.
Qed.

Lemma eval_substitute f key e : v key == eval v e -> eval v (substitute f key e) == eval v f.
Proof.
  intro H. unfold substitute. destruct (Z.eqb _ 0); [reflexivity|].
  rewrite eval_combination. cbn [sum_forms]. rewrite eval_variable, H.
  setoid_replace ((- coefficient key (terms f))%Z # den f) with (- (coefficient key (terms f) # den f)) by reflexivity.
  ring.
Qed.

End Meaning.
