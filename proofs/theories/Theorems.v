(** The theorems about the checker: what it accepts is what the claims of Network.v mean. *)

From Coq Require Import QArith Qabs ZArith NArith List Lia Lqa Bool FMapPositive.
From Exactre Require Import Network Forms Numbered Rules Decisions RulesSound Checker Soundness DecisionsSound.
Import ListNotations.
Open Scope Q_scope.

Local Notation start_of x := (@cons Q 1%Q x).

(** At a point x, atoms have the numbers of their neurons: those of A first, then those of B. *)
Definition first_of_b (a : network) (x : list Q) : N := N.of_nat (length (all_values (nodes a) (start_of x))).

Definition shift_of_b (a : network) (x : list Q) : N := (first_of_b a x - N.of_nat (length (start_of x)))%N.

Definition valuation (a b : network) (x : list Q) (i : N) : Q :=
  if N.ltb i (first_of_b a x) then number (all_values (nodes a) (start_of x)) i
  else number (all_values (nodes b) (start_of x)) (i - shift_of_b a x).

Section AtPoint.
Variables (a b : network) (x : list Q).
Let v := valuation a b x.
Let same (f : form) (q : Q) := eval v f == q.

Lemma first_of_b_after_inputs : (N.of_nat (length (start_of x)) <= first_of_b a x)%N.
Proof.
  unfold first_of_b. destruct (all_values_extends (nodes a) (start_of x)) as [more ->]. rewrite app_length. lia.
Qed.

Lemma valuation_input i : (N.to_nat i < length (start_of x))%nat -> v i = number (start_of x) i.
Proof.
  intro H. pose proof first_of_b_after_inputs. unfold v, valuation.
  destruct (N.ltb_spec i (first_of_b a x)); [|lia].
  destruct (all_values_extends (nodes a) (start_of x)) as [more ->]. now apply number_app_left.
Qed.

Lemma valuation_one : v 0%N == 1.
Proof. rewrite valuation_input by (simpl; lia). reflexivity. Qed.

Lemma valuation_a i : (N.to_nat i < length (all_values (nodes a) (start_of x)))%nat ->
  v (i + 0) == number (all_values (nodes a) (start_of x)) i.
Proof.
  intro H. rewrite N.add_0_r. unfold v, valuation, first_of_b.
  destruct (N.ltb_spec i (N.of_nat (length (all_values (nodes a) (start_of x))))); [reflexivity|lia].
Qed.

Lemma valuation_b i : (N.of_nat (length (start_of x)) <= i)%N ->
  v (i + shift_of_b a x) == number (all_values (nodes b) (start_of x)) i.
Proof.
  intro H. pose proof first_of_b_after_inputs. unfold v, valuation, shift_of_b.
  destruct (N.ltb_spec (i + (first_of_b a x - N.of_nat (length (start_of x)))) (first_of_b a x)); [lia|].
  now rewrite N.add_sub.
Qed.

Lemma enumerate_env fs values : forall done m,
  env_ok v m done -> Forall2 same fs values ->
  fst (enumerate fs (N.of_nat (length done)) m) = N.of_nat (length (done ++ values)) /\
  env_ok v (snd (enumerate fs (N.of_nat (length done)) m)) (done ++ values).
Proof.
  revert values.
  induction fs as [|f fs IH]; intros values done m Hm H; inversion H as [|? q ? values' H1 H2]; subst; simpl.
  - rewrite app_nil_r. auto.
  - replace (N.of_nat (length done) + 1)%N with (N.of_nat (length (done ++ [q]))) by (rewrite app_length; simpl; lia).
    replace (done ++ q :: values') with ((done ++ [q]) ++ values') by (rewrite <- app_assoc; reflexivity).
    apply IH; [|assumption]. now apply env_ok_add.
Qed.

Lemma env_ok_empty : env_ok v Empty [].
Proof. intros i f. discriminate. Qed.

Lemma table_ok_empty first : table_ok v (Table first 0 Empty no_equations 0 Empty).
Proof.
  split; [intros k key e; discriminate|]. split; [|intros k g; discriminate].
  intros key e. unfold chosen, no_equations. now rewrite PositiveMap.gempty.
Qed.

Lemma variables_same rest done acc :
  x = done ++ rest -> Forall2 same (rev acc) done ->
  Forall2 same (variables (length rest) (N.of_nat (S (length done))) acc) x.
Proof.
  revert done acc. induction rest as [|q rest IH]; intros done acc Hx H; cbn [length variables].
  - rewrite rev_append_rev, app_nil_r, Hx, app_nil_r. assumption.
  - replace (N.of_nat (S (length done)) + 1)%N with (N.of_nat (S (length (done ++ [q]))))
      by (rewrite app_length; cbn [length]; lia).
    apply IH; [rewrite Hx, <- app_assoc; reflexivity|]. cbn [rev].
    apply Forall2_app; [assumption|]. constructor; [|constructor].
    unfold same. rewrite eval_variable, valuation_input
      by (rewrite Hx; cbn [length]; rewrite app_length; cbn [length]; lia).
    unfold number. rewrite Nnat.Nat2N.id. cbn [nth]. rewrite Hx, app_nth2, Nat.sub_diag by lia. reflexivity.
Qed.

Lemma domain_forms_same start domain acc gs :
  env_ok v start (start_of x) -> domain_forms start domain acc = Some gs ->
  exists gs', gs = rev acc ++ gs' /\
    Forall2 (fun g c => eval v g == snd c - total (number (start_of x)) (fst c)) gs' domain.
Proof.
  intro He. revert acc. induction domain as [|[r bound] domain IH]; intros acc H; simpl in H.
  - injection H as <-. exists []. rewrite rev_append_rev. split; [reflexivity|constructor].
  - destruct (affine start r) as [f|] eqn:A; [|discriminate]. apply IH in H as [gs' [-> H]].
    eexists. cbn [rev]. rewrite <- app_assoc. split; [reflexivity|].
    constructor; [|assumption]. apply (affine_sound v) with (1 := He) in A.
    rewrite eval_combination. cbn [sum_forms fst snd]. rewrite eval_constant, A by apply valuation_one.
    unfold minus_one. ring.
Qed.

Lemma enumerate_find (fs : list form) : forall i m j g,
  find j (snd (enumerate fs i m)) = Some g -> In g fs \/ find j m = Some g.
Proof.
  induction fs as [|f fs IH]; intros i m j g H; simpl in H; [now right|].
  apply IH in H as [H|H]; [left; now right|]. apply find_add in H as [[_ <-]|H].
  - left. now left.
  - now right.
Qed.

Lemma walk_both_sound start domain steps_a steps_b tb outs_a outs_b :
  fst start = N.of_nat (length (start_of x)) -> env_ok v (snd start) (start_of x) -> domain_ok v domain ->
  walk_both a b start domain steps_a steps_b = Ok (tb, outs_a, outs_b) ->
  inputs a = inputs b /\ table_ok v tb /\
  Forall2 same outs_a (evaluate a x) /\ Forall2 same outs_b (evaluate b x).
Proof.
  intros Hn He Hd. unfold walk_both, walk_one.
  destruct (Nat.eqb_spec (inputs a) (inputs b)) as [Hin|]; [simpl negb; cbv iota|discriminate].
  destruct (N.eqb (neurons a) _); [|discriminate]. cbv iota.
  destruct (walk domain InA 0 (nodes a) _ []) as [[st fs]|] eqn:Wa; [|discriminate].
  eapply walk_sound with (v := v) (values := start_of x) (output := []) in Wa; cbn [env facts next];
    [|apply valuation_one|assumption|assumption|apply table_ok_empty|assumption|intros i _; apply valuation_a
     |constructor].
  destruct Wa as [Ta [Na Oa]].
  destruct (N.eqb (neurons b) _); [|discriminate].
  destruct (walk domain InB _ (nodes b) _ []) as [[st' gs]|] eqn:Wb; [|discriminate].
  intros [= <- <- <-].
  eapply walk_sound with (v := v) (values := start_of x) (output := []) in Wb; cbn [env facts next];
    [|apply valuation_one|assumption|assumption|assumption|assumption| |constructor].
  2:{ rewrite Na, Hn. intros i Hi _. now apply valuation_b. }
  destruct Wb as [Tb [_ Ob]]. auto.
Qed.
End AtPoint.

(** What both networks' walk gives at a point of the domain. *)
Lemma walk_files_sound a b domain steps_a steps_b dom tb outs_a outs_b x :
  walk_files a b domain steps_a steps_b = Ok (dom, tb, outs_a, outs_b) -> length x = inputs a -> in_domain domain x ->
  let v := valuation a b x in
  v 0%N == 1 /\ domain_ok v dom /\ table_ok v tb /\
  Forall2 (fun f q => eval v f == q) outs_a (evaluate a x) /\
  Forall2 (fun f q => eval v f == q) outs_b (evaluate b x).
Proof.
  unfold walk_files. set (start := enumerate _ 0 _). intros H Hx Hin. set (v := valuation a b x).
  destruct (negb (same_sizes a b)); [discriminate|].
  destruct (domain_forms (snd start) domain []) as [gs|] eqn:D; [|discriminate].
  destruct (walk_both a b start _ steps_a steps_b) as [[[tb' outs_a'] outs_b']|] eqn:W; [|discriminate].
  injection H as <- <- <- <-.
  assert (v 0%N == 1) as Hone by apply valuation_one.
  assert (Forall2 (fun f q => eval v f == q) (variable 0 :: variables (inputs a) 1 []) (start_of x)) as Hvars.
  { constructor; [now rewrite eval_variable|].
    rewrite <- Hx. apply (variables_same a b x x [] []); [reflexivity|constructor]. }
  destruct (enumerate_env a b x _ _ [] _ (env_ok_empty a b x) Hvars) as [Hnext Henv].
  change (enumerate (variable 0 :: variables (inputs a) 1 []) (N.of_nat (length [])) Empty) with start in *.
  simpl app in Hnext, Henv.
  apply (domain_forms_same a b x) in D as [gs' [E D]]; [|assumption]. simpl in E. subst gs'.
  assert (domain_ok v (snd (enumerate gs 0 Empty))) as Hdom.
  { intros i g F. apply enumerate_find in F as [F|F]; [|discriminate].
    unfold in_domain in Hin. clear -D Hin F. revert F. induction D as [|g' c gs cs H1 H2 IH]; [intros []|].
    inversion Hin as [|? ? P Q]; subst. intros [->|F]; [fold v in H1; rewrite H1; lra|now apply IH]. }
  apply (walk_both_sound a b x) in W; [|assumption..]. destruct W as [_ [Ht [Ha Hb]]]. auto.
Qed.

Lemma walk_files_inputs a b domain steps_a steps_b found :
  walk_files a b domain steps_a steps_b = Ok found -> inputs a = inputs b.
Proof.
  unfold walk_files, walk_both. destruct (negb (same_sizes a b)); [discriminate|]. destruct (domain_forms _ _ _); [|discriminate].
  destruct (Nat.eqb_spec (inputs a) (inputs b)); [auto|discriminate].
Qed.

Theorem check_equivalent_sound a b domain tolerance steps_a steps_b tree :
  check_equivalent a b domain tolerance steps_a steps_b tree = Ok tt -> equivalent a b domain tolerance.
Proof.
  unfold check_equivalent. destruct (Z.ltb_spec (Qnum tolerance) 0) as [|Htol]; [discriminate|].
  destruct (walk_files a b domain steps_a steps_b) as [[[[dom tb] outs_a] outs_b]|] eqn:W; [|discriminate].
  destruct (targets (constant tolerance) outs_a outs_b []) as [ts|] eqn:T; [|discriminate].
  intro H. split; [now apply walk_files_inputs in W|]. intros x Hx Hin.
  eapply walk_files_sound in W as [Hone [Hdom [Ht [Ha Hb]]]]; [|eassumption..].
  destruct (targets_sound _ Hone tolerance _ _ _ _ _ _ T Ha Hb (Forall_nil _)) as [Hts Hend]. apply Hend.
  unfold in_tree in H. destruct (check_tree dom tb _ tree) eqn:C; [discriminate|].
  eapply (check_tree_sound _ Hone _ dom tb) in C; try eassumption.
  intros c leaf Hc. apply (close_within_sound _ Hone dom tb tolerance); try assumption. unfold Qle. simpl. lia.
Qed.

Lemma equally_long_sound {A B} (l : list A) (m : list B) : equally_long l m = true -> length l = length m.
Proof.
  revert m. induction l as [|y l IH]; intros [|z m] H; simpl in *; try discriminate; [reflexivity|].
  now rewrite (IH m).
Qed.

Lemma same_length {v fs values} : Forall2 (fun f q => eval v f == q) fs values -> length fs = length values.
Proof. induction 1; simpl; congruence. Qed.

Theorem check_same_argmax_sound a b domain steps_a steps_b tree :
  check_same_argmax a b domain steps_a steps_b tree = Ok tt -> same_argmax a b domain.
Proof.
  unfold check_same_argmax.
  destruct (walk_files a b domain steps_a steps_b) as [[[[dom tb] outs_a] outs_b]|] eqn:W; [|discriminate].
  destruct (equally_long outs_a outs_b) eqn:L; [|discriminate]. apply equally_long_sound in L. cbn [negb].
  destruct outs_a as [|f fs] eqn:Ea; [discriminate|]. rewrite <- Ea in *.
  destruct (enumerate outs_a 0 Empty) as [count numbered_a] eqn:En.
  unfold in_tree. destruct (check_tree dom tb _ tree) eqn:C; [discriminate|]. intros _.
  split; [now apply walk_files_inputs in W|]. intros x Hx Hin.
  eapply walk_files_sound in W as [Hone [Hdom [Ht [Ha Hb]]]]; [|eassumption..].
  pose proof (same_length Ha) as La. pose proof (same_length Hb) as Lb.
  split; [congruence|].
  destruct (enumerate_env a b x _ _ [] _ (env_ok_empty a b x) Ha) as [Ca Va].
  destruct (enumerate_env a b x _ _ [] _ (env_ok_empty a b x) Hb) as [_ Vb].
  cbn [length app] in Ca, Va, Vb. change (N.of_nat 0) with 0%N in Ca, Va, Vb. rewrite En in Ca, Va.
  cbn [fst snd] in Ca, Va.
  destruct (decision (evaluate a x)) as [i|] eqn:Di.
  2:{ destruct (evaluate a x); [|discriminate]. rewrite Ea in La. discriminate. }
  destruct (decision (evaluate b x)) as [j|] eqn:Dj.
  2:{ destruct (evaluate b x); [|discriminate]. rewrite <- L, Ea in Lb. discriminate. }
  apply decision_sound in Di, Dj.
  eapply (check_tree_sound _ Hone (N.to_nat i = N.to_nat j)) in C; try eassumption.
  - exists (N.to_nat i). split; [assumption|]. now rewrite C.
  - intros c leaf Hc Close.
    apply (close_decided_sound _ Hone dom tb outs_a outs_b numbered_a (snd (enumerate outs_b 0 Empty)) count
             (evaluate a x) (evaluate b x)) with (c := c) (leaf := leaf); try assumption; [lia|congruence].
Qed.

Lemma inside_sound v gs i : v 0%N == 1 -> inside gs i = None -> Forall (fun g => 0 <= eval v g) gs.
Proof.
  intro Hone. revert i. induction gs as [|g gs IH]; intros i H; simpl in H; constructor.
  - destruct (constant_value g) as [q|] eqn:C; [|discriminate]. apply (eval_constant_value v) in C; [|assumption].
    destruct (Z.leb_spec 0 (Qnum q)) as [L|]; [|discriminate]. rewrite C. unfold Qle. simpl. lia.
  - destruct (constant_value g) as [q|]; [|discriminate]. destruct (Z.leb 0 (Qnum q)); [now apply IH in H|discriminate].
Qed.

Lemma same_values_sound v fs qs i values :
  v 0%N == 1 -> same_values fs qs i = None -> Forall2 (fun f q => eval v f == q) fs values ->
  Forall2 Qeq values qs.
Proof.
  intro Hone. revert qs i values. induction fs as [|f fs IH]; intros [|q qs] i values H F; simpl in H;
    inversion F as [|? ? ? ? F1 F2]; subst; try discriminate; constructor.
  - destruct (constant_value f) as [p|] eqn:C; [|discriminate]. apply (eval_constant_value v) in C; [|assumption].
    destruct (Qeq_bool p q) eqn:E; [|discriminate]. apply Qeq_bool_iff in E. now rewrite <- F1, C.
  - destruct (constant_value f) as [p|]; [|discriminate]. destruct (Qeq_bool p q); [|discriminate].
    eapply IH; eassumption.
Qed.

Lemma beyond_sound tolerance already ps qs values_p values_q :
  beyond tolerance already ps qs = None -> Forall2 Qeq values_p ps -> Forall2 Qeq values_q qs ->
  length values_p = length values_q /\
  (already = true \/ Exists (fun pq => tolerance < Qabs (fst pq - snd pq)) (List.combine values_p values_q)).
Proof.
  revert already qs values_p values_q.
  induction ps as [|p ps IH]; intros already [|q qs] values_p values_q H Hp Hq; cbn [beyond] in H; try discriminate;
    inversion Hp as [|p' ? ? ? Hp1 Hp2]; inversion Hq as [|q' ? ? ? Hq1 Hq2]; subst.
  - split; [reflexivity|]. left. now destruct already.
  - eapply IH in H; [|eassumption..]. destruct H as [HL [Hor|Hex]]; (split; [simpl; now f_equal|]).
    + apply orb_prop in Hor as [Hor|Hor]; [now left|]. right. constructor. cbn [fst snd].
      rewrite Hp1, Hq1. apply Qnot_le_lt. intro L. apply Qle_bool_iff in L. rewrite L in Hor. discriminate.
    + right. simpl. now apply Exists_cons_tl.
Qed.

Lemma has_length_sound {A} (l : list A) n : has_length l n = true -> length l = n.
Proof.
  revert n. induction l as [|y l IH]; intros [|n] H; simpl in *; try discriminate; [reflexivity|]. now rewrite (IH n).
Qed.

Lemma check_witness_sound a b domain point output_a output_b last :
  check_witness a b domain point output_a output_b last = Ok tt ->
  length point = inputs a /\ inputs a = inputs b /\ in_domain domain point /\
  Forall2 Qeq (evaluate a point) output_a /\ Forall2 Qeq (evaluate b point) output_b /\ last = None.
Proof.
  unfold check_witness. set (start := enumerate _ 0 _). destruct (negb (same_sizes a b)); [discriminate|].
  destruct (has_length point (inputs a)) eqn:L; [cbn [negb]; cbv iota|discriminate].
  apply has_length_sound in L.
  destruct (domain_forms (snd start) domain []) as [gs|] eqn:D; [|discriminate].
  destruct (inside gs 0) eqn:I; [discriminate|].
  destruct (walk_both _ _ _ _ _ _) as [[[tb outs_a] outs_b]|] eqn:W; [|discriminate].
  destruct (same_values outs_a output_a 0) eqn:Sa; [discriminate|].
  destruct (same_values outs_b output_b 0) eqn:Sb; [discriminate|].
  destruct last; [discriminate|]. intros _.
  set (v := valuation a b point).
  assert (v 0%N == 1) as Hone by apply valuation_one.
  assert (forall qs acc, fold_left (fun acc q => constant q :: acc) qs acc = rev (map constant qs) ++ acc) as Hfold.
  { induction qs as [|q qs IH]; intro acc; simpl; [reflexivity|]. rewrite IH, <- app_assoc. reflexivity. }
  assert (Forall2 (fun f q => eval v f == q)
            (variable 0 :: rev_append (fold_left (fun acc q => constant q :: acc) point []) []) (start_of point))
    as Hpoint.
  { constructor; [now rewrite eval_variable|].
    rewrite Hfold, rev_append_rev, !app_nil_r, rev_involutive.
    clearbody v. clear -Hone. induction point as [|q qs IH]; simpl; constructor; [now apply eval_constant|assumption]. }
  destruct (enumerate_env a b point _ _ [] _ (env_ok_empty a b point) Hpoint) as [Hnext Henv].
  change (enumerate (variable 0 :: _) (N.of_nat (length [])) Empty) with start in *.
  simpl app in Hnext, Henv.
  apply (domain_forms_same a b point) in D as [gs' [E D]]; [|assumption]. simpl in E. subst gs'.
  apply (walk_both_sound a b point) in W; [|assumption|assumption|].
  2:{ intros i g F. discriminate. }
  destruct W as [Hin [_ [Ha Hb]]].
  apply (same_values_sound v _ _ _ _ Hone) with (2 := Ha) in Sa.
  apply (same_values_sound v _ _ _ _ Hone) with (2 := Hb) in Sb.
  repeat split; [assumption|assumption| |assumption|assumption].
  apply (inside_sound v) in I; [|assumption]. unfold in_domain.
  clear -D I. induction D as [|g c gs cs H1 H2 IH]; constructor; inversion I as [|? ? P Q]; subst.
  - fold v in H1. lra.
  - now apply IH.
Qed.

Theorem check_different_sound a b domain tolerance point output_a output_b :
  check_different a b domain tolerance point output_a output_b = Ok tt -> different a b domain tolerance.
Proof.
  intro H. apply check_witness_sound in H as [L [Hin [I [Sa [Sb B]]]]].
  destruct (beyond_sound _ _ _ _ _ _ B Sa Sb) as [Hlen [|Hex]]; [discriminate|].
  exists point. repeat split; try assumption. congruence.
Qed.

Theorem check_different_argmax_sound a b domain point output_a output_b :
  check_different_argmax a b domain point output_a output_b = Ok tt -> different_argmax a b domain.
Proof.
  intro H. apply check_witness_sound in H as [L [Hin [I [Sa [Sb T]]]]]. unfold two_decisions in T.
  destruct (decision output_a) as [i|] eqn:Di; [|discriminate].
  destruct (decision output_b) as [j|] eqn:Dj; [|discriminate].
  destruct (equally_long output_a output_b) eqn:E; [|discriminate].
  destruct (N.eqb_spec i j) as [|Hne]; [discriminate|].
  apply equally_long_sound in E. apply decision_sound in Di, Dj.
  assert (forall ys zs, Forall2 Qeq ys zs -> length ys = length zs) as Len by (induction 1; simpl; congruence).
  exists point. repeat split; try assumption; [congruence|rewrite (Len _ _ Sa), (Len _ _ Sb); assumption|].
  exists (N.to_nat i), (N.to_nat j). split; [lia|].
  split; [now apply decides_equal with output_a|now apply decides_equal with output_b].
Qed.
