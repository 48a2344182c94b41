//! A model as decisions read it.
//! Always: its heads and fields are there, since loading has checked them.

use crate::format::{Field, Shape};
use crate::load::Policy;
use crate::words::Operations;

/// A model.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    /// Its number, and that of its head: the model as a whole.
    pub number: u32,
    pub shape: Shape,
    heads: u32,
}

impl Model {
    /// The number of the head of a field class.
    pub fn class(&self, class: usize) -> u32 {
        self.heads + class as u32
    }

    /// Whether its fields are one class, of which the model as a whole says all.
    #[inline]
    pub fn is_one_class(&self) -> bool {
        self.heads == self.number && self.shape.classes == 1
    }

    /// How many classes its fields fall into: at least 1.
    pub fn classes(&self) -> u32 {
        self.shape.classes
    }

    /// The operations that it does not have at all.
    pub fn disabled(&self) -> Operations {
        Operations(self.shape.disabled as u8) // at most a byte: checked at load
    }
}

impl<'t> Policy<'t> {
    #[inline]
    pub(crate) fn model_at(&self, number: u32) -> Model {
        let model = self.models.at(number as usize);
        Model { number, shape: self.shapes.at(model.shape.get() as usize), heads: model.heads.get() }
    }

    pub(crate) fn columns(&self, model: &Model) -> impl Iterator<Item = Field> + use<'t> {
        self.fields.run(model.shape.fields, model.shape.field_count)
    }
}
