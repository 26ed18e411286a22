; What a lock leads to: loose pieces fall, lines of four vanish, until nothing changes.
; One step per frame (o07), as the original spreads it; a step that has to wait for the
; field's redraw stays where it is, and that wait is what sets the rhythm of 16 frames.
.include "ram.inc"
.include "routines.inc"

STEP_FALL = 3

moved = t0
float_kind = t1                 ; of cells that do not fall

.segment "CODE"

.proc resolve_frame
  lda P + O_STEP
  asl a
  tax
  lda step_table + 1, x
  pha
  lda step_table, x
  pha
  rts
.endproc

step_table:
  .addr reset_counts - 1, next_step - 1, next_step - 1, fall_step - 1, begin_match - 1
  .addr match_rows - 1, match_columns - 1, update_step - 1, finish - 1

.proc reset_counts
  lda #0
  sta P + O_MATCHES
  sta P + O_CELLS
  sta P + O_KILLS
  ; fall through
.endproc

next_step:
  inc P + O_STEP
  rts

.proc fall_step
  lda P + O_REDRAW
  bmi :+
  rts                           ; the last change is not on the screen yet
: jsr forget_emptied
  jsr fall_pass
  lda moved
  beq next_step                 ; nothing moved: look for lines
  lda #LAST_ROW
  sta P + O_REDRAW
  rts
.endproc

.proc begin_match
  lda #0
  sta P + O_MATCHED
  beq next_step
.endproc

.proc update_step
  lda P + O_MATCHED
  beq next_step
  lda #STEP_FALL
  sta P + O_STEP
  jmp update_field
.endproc

.proc finish
  lda #0
  sta P + O_STEP
  lda #ACT_ATTACKS
  sta P + O_ACTION
  jmp queue_attack
.endproc

; --- falling pieces --------------------------------------------------------------------------
; $F0-$F2 -> $FF
.proc forget_emptied
  ldy #127
@cell:
  lda (field), y
  cmp #CELL_EMPTIED
  bcc @next
  lda #CELL_EMPTY
  sta (field), y
@next:
  dey
  bpl @cell
  rts
.endproc

; Everything unsupported falls one row, the lowest row first.  `moved` says whether anything did.
; Where the cartridge is told so ($0724), singles float.
.proc fall_pass
  lda #0
  sta moved
  ldx float_halves
  beq :+
  lda #CELL_SINGLE
: sta float_kind
  ldy #119
@cell:
  lda (field), y
  cmp #CELL_CLEARING
  bcs @next                     ; viruses hang, the rest is empty
  tax
  and #$F0
  cmp #CELL_RIGHT
  beq @next                     ; goes with its left half
  cmp #CELL_LEFT
  beq @pair
  cmp float_kind
  beq @next
  lda (field_below), y
  cmp #CELL_EMPTIED
  bcc @next
  txa
  sta (field_below), y
@vacate:
  lda #CELL_EMPTY
  sta (field), y
  sta moved
@next:
  dey
  bpl @cell
  rts
@pair:
  lda (field_below), y
  cmp #CELL_EMPTIED
  bcc @next
  lda (field_belowr), y
  cmp #CELL_EMPTIED
  bcc @next
  txa
  sta (field_below), y
  iny
  lda (field), y
  sta (field_below), y
  lda #CELL_EMPTY
  sta (field), y
  dey
  bpl @vacate                   ; always
.endproc

; --- after a match ----------------------------------------------------------------------------------
; $Bx -> $Fx, halves that lost their partner become singles, the whole field is redrawn.
.proc update_field
  lda #LAST_ROW
  sta P + O_REDRAW
  ldy #0
@cell:
  lda (field), y
  cmp #CELL_EMPTIED
  bcs @next
  tax
  and #$F0
  cmp #CELL_CLEARING
  beq @emptied
  bcs @next                     ; a virus
  cmp #CELL_LEFT
  beq @left
  cmp #CELL_RIGHT
  beq @right
  cmp #CELL_TOP
  beq @top
  cmp #CELL_BOTTOM
  beq @bottom
@next:
  iny
  bpl @cell
  rts
@emptied:
  txa
  ora #CELL_EMPTIED             ; $B0 | $F0
  sta (field), y
  bne @next
@left:
  iny
  lda (field), y
  dey
  ldx #CELL_RIGHT
  bne @partner
@right:
  dey
  lda (field), y
  iny
  ldx #CELL_LEFT
  bne @partner
@top:
  lda (field_below), y
  ldx #CELL_BOTTOM
  bne @partner
@bottom:
  ldx #0
  cpy #8
  bcc @partner                  ; its upper half was cut off
  tya
  sbc #8
  sty t0
  tay
  lda (field), y
  ldy t0
  ldx #CELL_TOP
@partner:
  stx t0
  and #$F0
  cmp t0
  beq @next
  lda (field), y
  and #3
  ora #CELL_SINGLE
  sta (field), y
  bne @next
.endproc
