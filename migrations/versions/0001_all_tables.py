"""Create all tables of the first version.

Revision ID: 0001
Revises: 

"""
from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

# revision identifiers, used by Alembic.
revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('projects',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=150), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('CURRENT_TIMESTAMP'), nullable=False),
    sa.CheckConstraint("name = btrim(name) AND name <> ''", name=op.f('ck_projects_name_trimmed')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_projects')),
    sa.UniqueConstraint('name', name=op.f('uq_projects_name'))
    )
    op.create_table('users',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('password_hash', sa.String(length=255), nullable=False),
    sa.Column('is_admin', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('CURRENT_TIMESTAMP'), nullable=False),
    sa.CheckConstraint("name = btrim(name) AND name <> ''", name=op.f('ck_users_name_trimmed')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('name', name=op.f('uq_users_name'))
    )
    op.create_table('api_tokens',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=True),
    sa.Column('read_only', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('CURRENT_TIMESTAMP'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP + interval '1 year'"), nullable=False),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_api_tokens_project_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_api_tokens_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_tokens')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_api_tokens_token_hash'))
    )
    with op.batch_alter_table('api_tokens', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_api_tokens_project_id'), ['project_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_api_tokens_user_id'), ['user_id'], unique=False)

    op.create_table('bom_products',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('product_name', sa.String(length=150), nullable=False),
    sa.Column('product_type', sa.String(length=150), nullable=False),
    sa.Column('unit', sa.String(length=50), nullable=False),
    sa.Column('rate', sa.Numeric(), nullable=True),
    sa.Column('match_key', sa.String(length=301), nullable=False),
    sa.CheckConstraint("rate >= 0 AND rate < 'Infinity'::numeric", name=op.f('ck_bom_products_rate')),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_bom_products_project_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bom_products')),
    sa.UniqueConstraint('project_id', 'match_key', name=op.f('uq_bom_products_project_id_match_key'))
    )
    with op.batch_alter_table('bom_products', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bom_products_project_id'), ['project_id'], unique=False)

    op.create_table('drawing_types',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=150), nullable=False),
    sa.Column('match_key', sa.String(length=150), nullable=False),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_drawing_types_project_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_drawing_types')),
    sa.UniqueConstraint('project_id', 'match_key', name=op.f('uq_drawing_types_project_id_match_key'))
    )
    with op.batch_alter_table('drawing_types', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_drawing_types_project_id'), ['project_id'], unique=False)

    op.create_table('element_types',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('element_type', sa.String(length=150), nullable=False),
    sa.Column('name', sa.String(length=150), nullable=False),
    sa.Column('type_key', sa.String(length=450), nullable=False),
    sa.Column('name_key', sa.String(length=450), nullable=False),
    sa.Column('height', sa.Numeric(), nullable=True),
    sa.Column('length', sa.Numeric(), nullable=True),
    sa.Column('thickness', sa.Numeric(), nullable=True),
    sa.Column('mass', sa.Numeric(), nullable=True),
    sa.Column('volume', sa.Numeric(), nullable=True),
    sa.Column('area', sa.Numeric(), nullable=True),
    sa.Column('width', sa.Numeric(), nullable=True),
    sa.Column('version', sa.String(length=150), server_default='VR-1', nullable=False),
    sa.Column('density', sa.Numeric(), sa.Computed('CASE WHEN volume > 0 THEN trim_scale(round(mass / volume, 6)) END', persisted=True), nullable=True),
    sa.CheckConstraint('area >= 0 AND area <= 1000000', name=op.f('ck_element_types_area')),
    sa.CheckConstraint('height >= 0 AND height <= 1000000', name=op.f('ck_element_types_height')),
    sa.CheckConstraint('length >= 0 AND length <= 1000000', name=op.f('ck_element_types_length')),
    sa.CheckConstraint('mass >= 0 AND mass <= 1000000', name=op.f('ck_element_types_mass')),
    sa.CheckConstraint('thickness >= 0 AND thickness <= 1000000', name=op.f('ck_element_types_thickness')),
    sa.CheckConstraint('volume >= 0 AND volume <= 1000000', name=op.f('ck_element_types_volume')),
    sa.CheckConstraint('width >= 0 AND width <= 1000000', name=op.f('ck_element_types_width')),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_element_types_project_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_element_types')),
    sa.UniqueConstraint('project_id', 'type_key', 'name_key', name=op.f('uq_element_types_project_id_type_key_name_key'))
    )
    op.create_table('hierarchy_nodes',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('parent_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(length=150), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('prefix', sa.String(length=50), nullable=False),
    sa.Column('path', sa.String(length=500), nullable=False),
    sa.Column('match_key', sa.String(length=500), nullable=False),
    sa.Column('naming_convention', sa.String(length=150), nullable=False),
    sa.CheckConstraint("naming_convention <> '' AND position('/' in naming_convention) = 0", name=op.f('ck_hierarchy_nodes_naming_convention')),
    sa.CheckConstraint('parent_id <> id', name=op.f('ck_hierarchy_nodes_not_its_own_parent')),
    sa.ForeignKeyConstraint(['parent_id'], ['hierarchy_nodes.id'], name=op.f('fk_hierarchy_nodes_parent_id')),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_hierarchy_nodes_project_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hierarchy_nodes')),
    sa.UniqueConstraint('project_id', 'match_key', name=op.f('uq_hierarchy_nodes_project_id_match_key')),
    sa.UniqueConstraint('project_id', 'naming_convention', name=op.f('uq_hierarchy_nodes_project_id_naming_convention'))
    )
    with op.batch_alter_table('hierarchy_nodes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hierarchy_nodes_parent_id'), ['parent_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_hierarchy_nodes_project_id'), ['project_id'], unique=False)

    op.create_table('import_jobs',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('job_type', sa.String(length=50), nullable=False),
    sa.Column('status', sa.String(length=20), server_default='pending', nullable=False),
    sa.Column('progress', sa.Integer(), server_default='0', nullable=False),
    sa.Column('total_items', sa.Integer(), server_default='0', nullable=False),
    sa.Column('processed_items', sa.Integer(), server_default='0', nullable=False),
    sa.Column('created_by', sa.String(length=100), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('CURRENT_TIMESTAMP'), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('CURRENT_TIMESTAMP'), nullable=True),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('result', sa.Text(), nullable=True),
    sa.Column('file_name', sa.String(length=255), nullable=True),
    sa.Column('file_bytes', sa.BigInteger(), nullable=True),
    sa.Column('file_sha256', sa.String(length=64), nullable=True),
    sa.Column('batch_size', sa.Integer(), nullable=False),
    sa.Column('concurrent_batches', sa.Integer(), nullable=False),
    sa.Column('dry_run', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('undone_by_job_id', sa.Integer(), nullable=True),
    sa.Column('reference', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('phase', sa.String(length=20), server_default='waiting_for_file', nullable=False),
    sa.Column('queued_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_count', sa.Integer(), server_default='0', nullable=False),
    sa.Column('updated_count', sa.Integer(), server_default='0', nullable=False),
    sa.Column('unchanged_count', sa.Integer(), server_default='0', nullable=False),
    sa.Column('rejected_count', sa.Integer(), server_default='0', nullable=False),
    sa.Column('pieces_added', sa.Integer(), server_default='0', nullable=False),
    sa.Column('pieces_removed', sa.Integer(), server_default='0', nullable=False),
    sa.Column('warning_count', sa.Integer(), server_default='0', nullable=False),
    sa.Column('lease_token', sa.Uuid(), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempt', sa.Integer(), server_default='0', nullable=False),
    sa.Column('ring', sa.Integer(), server_default='0', nullable=False),
    sa.Column('rung_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(status = 'completed') = (progress = 100)", name=op.f('ck_import_jobs_complete_at_100')),
    sa.CheckConstraint("(status = 'processing') = (lease_token IS NOT NULL)", name=op.f('ck_import_jobs_leased')),
    sa.CheckConstraint("(status IN ('completed', 'failed')) = (completed_at IS NOT NULL)", name=op.f('ck_import_jobs_ended')),
    sa.CheckConstraint("phase IN ('waiting_for_file', 'queued', 'reading', 'checking', 'planning', 'writing', 'cancelling', 'undoing', 'done')", name=op.f('ck_import_jobs_phase')),
    sa.CheckConstraint("status IN ('pending', 'processing', 'completed', 'failed')", name=op.f('ck_import_jobs_status')),
    sa.CheckConstraint('progress BETWEEN 0 AND 100', name=op.f('ck_import_jobs_progress')),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_import_jobs_project_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['undone_by_job_id'], ['import_jobs.id'], name=op.f('fk_import_jobs_undone_by_job_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_jobs'))
    )
    with op.batch_alter_table('import_jobs', schema=None) as batch_op:
        batch_op.create_index('ix_import_jobs_project_id_id', ['project_id', 'id'], unique=False)
        batch_op.create_index('ix_import_jobs_unfinished', ['queued_at'], unique=False, postgresql_where=sa.text("status IN ('pending', 'processing')"))
        batch_op.create_index('uq_import_jobs_project_processing', ['project_id'], unique=True, postgresql_where=sa.text("status = 'processing'"))

    op.create_table('memberships',
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.CheckConstraint("role IN ('viewer', 'editor', 'manager')", name=op.f('ck_memberships_role')),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_memberships_project_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_memberships_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('project_id', 'user_id', name=op.f('pk_memberships'))
    )
    with op.batch_alter_table('memberships', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_memberships_user_id'), ['user_id'], unique=False)

    op.create_table('stages',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=150), nullable=False),
    sa.Column('match_key', sa.String(length=150), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.CheckConstraint('position >= 0', name=op.f('ck_stages_position')),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_stages_project_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stages')),
    sa.UniqueConstraint('project_id', 'match_key', name=op.f('uq_stages_project_id_match_key'))
    )
    with op.batch_alter_table('stages', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stages_project_id'), ['project_id'], unique=False)

    op.create_table('element_type_bom',
    sa.Column('element_type_id', sa.Integer(), nullable=False),
    sa.Column('product_id', sa.Integer(), nullable=False),
    sa.Column('quantity', sa.Numeric(), nullable=False),
    sa.CheckConstraint('quantity > 0 AND quantity <= 1000000000', name=op.f('ck_element_type_bom_quantity')),
    sa.ForeignKeyConstraint(['element_type_id'], ['element_types.id'], name=op.f('fk_element_type_bom_element_type_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['product_id'], ['bom_products.id'], name=op.f('fk_element_type_bom_product_id')),
    sa.PrimaryKeyConstraint('element_type_id', 'product_id', name=op.f('pk_element_type_bom'))
    )
    with op.batch_alter_table('element_type_bom', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_element_type_bom_product_id_element_type_id'), ['product_id', 'element_type_id'], unique=False)

    op.create_table('element_type_changes',
    sa.Column('job_id', sa.Integer(), nullable=False),
    sa.Column('element_type_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('row', sa.Integer(), nullable=False),
    sa.Column('fields', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.ForeignKeyConstraint(['job_id'], ['import_jobs.id'], name=op.f('fk_element_type_changes_job_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_id', 'element_type_id', name=op.f('pk_element_type_changes'))
    )
    with op.batch_alter_table('element_type_changes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_element_type_changes_element_type_id'), ['element_type_id'], unique=False)

    op.create_table('element_type_drawings',
    sa.Column('element_type_id', sa.Integer(), nullable=False),
    sa.Column('drawing_type_id', sa.Integer(), nullable=False),
    sa.Column('file_name', sa.String(length=255), nullable=False),
    sa.ForeignKeyConstraint(['drawing_type_id'], ['drawing_types.id'], name=op.f('fk_element_type_drawings_drawing_type_id')),
    sa.ForeignKeyConstraint(['element_type_id'], ['element_types.id'], name=op.f('fk_element_type_drawings_element_type_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('element_type_id', 'drawing_type_id', name=op.f('pk_element_type_drawings'))
    )
    with op.batch_alter_table('element_type_drawings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_element_type_drawings_drawing_type_id_element_type_id'), ['drawing_type_id', 'element_type_id'], unique=False)

    op.create_table('element_type_quantities',
    sa.Column('element_type_id', sa.Integer(), nullable=False),
    sa.Column('node_id', sa.Integer(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_element_type_quantities_quantity')),
    sa.ForeignKeyConstraint(['element_type_id'], ['element_types.id'], name=op.f('fk_element_type_quantities_element_type_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['node_id'], ['hierarchy_nodes.id'], name=op.f('fk_element_type_quantities_node_id')),
    sa.PrimaryKeyConstraint('element_type_id', 'node_id', name=op.f('pk_element_type_quantities'))
    )
    with op.batch_alter_table('element_type_quantities', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_element_type_quantities_node_id_element_type_id'), ['node_id', 'element_type_id'], unique=False)

    op.create_table('element_type_stages',
    sa.Column('element_type_id', sa.Integer(), nullable=False),
    sa.Column('stage_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['element_type_id'], ['element_types.id'], name=op.f('fk_element_type_stages_element_type_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['stage_id'], ['stages.id'], name=op.f('fk_element_type_stages_stage_id')),
    sa.PrimaryKeyConstraint('element_type_id', 'stage_id', name=op.f('pk_element_type_stages'))
    )
    with op.batch_alter_table('element_type_stages', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_element_type_stages_stage_id_element_type_id'), ['stage_id', 'element_type_id'], unique=False)

    op.create_table('import_batches',
    sa.Column('job_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('created_count', sa.Integer(), nullable=False),
    sa.Column('updated_count', sa.Integer(), nullable=False),
    sa.Column('rejected_count', sa.Integer(), nullable=False),
    sa.Column('pieces_added', sa.Integer(), nullable=False),
    sa.Column('pieces_removed', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['import_jobs.id'], name=op.f('fk_import_batches_job_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_id', 'number', name=op.f('pk_import_batches'))
    )
    op.create_table('import_file_chunks',
    sa.Column('job_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['import_jobs.id'], name=op.f('fk_import_file_chunks_job_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_id', 'number', name=op.f('pk_import_file_chunks'))
    )
    op.create_table('import_issues',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('job_id', sa.Integer(), nullable=False),
    sa.Column('batch', sa.Integer(), nullable=True),
    sa.Column('severity', sa.String(length=10), nullable=False),
    sa.Column('sheet', sa.String(length=150), nullable=True),
    sa.Column('row', sa.Integer(), nullable=True),
    sa.Column('column', sa.String(length=3), nullable=True),
    sa.Column('heading', sa.Text(), nullable=True),
    sa.Column('value', sa.Text(), nullable=True),
    sa.Column('code', sa.String(length=50), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.CheckConstraint("severity IN ('error', 'warning', 'info')", name=op.f('ck_import_issues_severity')),
    sa.ForeignKeyConstraint(['job_id'], ['import_jobs.id'], name=op.f('fk_import_issues_job_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_issues'))
    )
    with op.batch_alter_table('import_issues', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_import_issues_job_id_row_id'), ['job_id', 'row', 'id'], unique=False)

    op.create_table('pieces',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('element_type_id', sa.Integer(), nullable=False),
    sa.Column('node_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('job_id', sa.Integer(), nullable=True),
    sa.Column('status', sa.String(length=20), server_default='planned', nullable=False),
    sa.Column('code', sa.String(length=320), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('CURRENT_TIMESTAMP'), nullable=False),
    sa.CheckConstraint("status IN ('planned', 'in_production', 'produced', 'dispatched', 'erected')", name=op.f('ck_pieces_status')),
    sa.CheckConstraint('number > 0', name=op.f('ck_pieces_number')),
    sa.ForeignKeyConstraint(['element_type_id', 'node_id'], ['element_type_quantities.element_type_id', 'element_type_quantities.node_id'], name=op.f('fk_pieces_element_type_id_node_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pieces')),
    sa.UniqueConstraint('project_id', 'code', name=op.f('uq_pieces_project_id_code'))
    )
    with op.batch_alter_table('pieces', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_pieces_element_type_id_node_id'), ['element_type_id', 'node_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_pieces_node_id_element_type_id'), ['node_id', 'element_type_id'], unique=False)



def downgrade():
    with op.batch_alter_table('pieces', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_pieces_node_id_element_type_id'))
        batch_op.drop_index(batch_op.f('ix_pieces_element_type_id_node_id'))

    op.drop_table('pieces')
    with op.batch_alter_table('import_issues', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_import_issues_job_id_row_id'))

    op.drop_table('import_issues')
    op.drop_table('import_file_chunks')
    op.drop_table('import_batches')
    with op.batch_alter_table('element_type_stages', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_element_type_stages_stage_id_element_type_id'))

    op.drop_table('element_type_stages')
    with op.batch_alter_table('element_type_quantities', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_element_type_quantities_node_id_element_type_id'))

    op.drop_table('element_type_quantities')
    with op.batch_alter_table('element_type_drawings', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_element_type_drawings_drawing_type_id_element_type_id'))

    op.drop_table('element_type_drawings')
    with op.batch_alter_table('element_type_changes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_element_type_changes_element_type_id'))

    op.drop_table('element_type_changes')
    with op.batch_alter_table('element_type_bom', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_element_type_bom_product_id_element_type_id'))

    op.drop_table('element_type_bom')
    with op.batch_alter_table('stages', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_stages_project_id'))

    op.drop_table('stages')
    with op.batch_alter_table('memberships', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_memberships_user_id'))

    op.drop_table('memberships')
    with op.batch_alter_table('import_jobs', schema=None) as batch_op:
        batch_op.drop_index('uq_import_jobs_project_processing', postgresql_where=sa.text("status = 'processing'"))
        batch_op.drop_index('ix_import_jobs_unfinished', postgresql_where=sa.text("status IN ('pending', 'processing')"))
        batch_op.drop_index('ix_import_jobs_project_id_id')

    op.drop_table('import_jobs')
    with op.batch_alter_table('hierarchy_nodes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_hierarchy_nodes_project_id'))
        batch_op.drop_index(batch_op.f('ix_hierarchy_nodes_parent_id'))

    op.drop_table('hierarchy_nodes')
    op.drop_table('element_types')
    with op.batch_alter_table('drawing_types', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_drawing_types_project_id'))

    op.drop_table('drawing_types')
    with op.batch_alter_table('bom_products', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bom_products_project_id'))

    op.drop_table('bom_products')
    with op.batch_alter_table('api_tokens', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_api_tokens_user_id'))
        batch_op.drop_index(batch_op.f('ix_api_tokens_project_id'))

    op.drop_table('api_tokens')
    op.drop_table('users')
    op.drop_table('projects')
